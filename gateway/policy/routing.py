"""Finds the routes of a request by its host, its path in every reading, and its method."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.contract.limits import Limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import ANY_HOST, DEFAULT_UPSTREAM, Route, is_among
from gateway.policy.paths import path_variants
from gateway.policy.resolve import NO_ROUTE, LimitWindow, RouteMatch, windows_of

_WILDCARD = "*."
_LONGEST = 253  # RFC 1035 §2.3.4, as it is written
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_PORT = re.compile(rb":[0-9]*\Z")


class AmbiguousRouteError(Exception):
    """The readings of a request's path lead to different upstreams, or it names no host."""


class RouteRequest(Protocol):
    """The parts of a request that routes match."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def host(self) -> bytes:
        """The value of its Host field."""

    @property
    def target(self) -> bytes:
        """Path and query, as the client sent them."""


class Routing:
    """Matches requests with the routes of a policy table."""

    def __init__(self, table: PolicyTable) -> None:
        self._matches = tuple(_match_of(route, table) for route in table.routes)
        self._index = RouteIndex(table.routes)
        self._has_hosts = any(route.host != ANY_HOST for route in table.routes)
        self._has_upstreams = any(route.upstream != DEFAULT_UPSTREAM for route in table.routes)

    def match(self, request: RouteRequest) -> RouteMatch:
        """The match of a request.

        Where its path has several readings, the windows of all their routes apply, at the highest cost.

        Raises:
            AmbiguousRouteError: they lead to different upstreams, or the request has no host.
        """
        if not self._matches:
            return NO_ROUTE
        if self._has_hosts and not request.host:
            raise AmbiguousRouteError
        method, name = request.method, host_name(request.host)
        found = {self._index.first(method, name, path) for path in path_variants(request.target)}
        matches = [self._matches[place] for place in sorted(place for place in found if place is not None)]
        if None in found:
            matches.append(NO_ROUTE)
        return matches[0] if len(matches) == 1 else _merge(matches)

    def upstream(self, request: RouteRequest) -> str:
        """The name of the request's upstream.

        Raises:
            AmbiguousRouteError: as `match`.
        """
        return self.match(request).upstream if self._has_upstreams or self._has_hosts else DEFAULT_UPSTREAM


def _merge(matches: list[RouteMatch]) -> RouteMatch:
    if len({match.upstream for match in matches}) > 1:
        raise AmbiguousRouteError
    return RouteMatch(
        matches[0].upstream,
        max(match.cost for match in matches),
        tuple(window for match in matches for window in match.windows),
    )


def _match_of(route: Route, table: PolicyTable) -> RouteMatch:
    windows: tuple[LimitWindow, ...] = ()
    if route.limit is not None:
        shadow = route.shadow or table.shadow
        windows = windows_of(route.policy_name, route.policy_name, route.limit, shadow=shadow)
    return RouteMatch(route.upstream, route.cost, windows)


class RouteIndex:
    """Routes by host and by the beginning of their path, so that a lookup does not depend on their number."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._sites: dict[str, dict[str, list[int]]] = {}
        for place, route in enumerate(routes):
            self._sites.setdefault(route.host, {}).setdefault(route.path, []).append(place)
        self._depth = max((route.path.count("/") for route in routes), default=0)
        self._labels = max((_label_count(route.host) for route in routes), default=0)

    def first(self, method: str, host: str, path: str) -> int | None:
        """The position of the first route in the file that matches.

        `host` is as `host_name` returns it, `path` is in normal form.
        """
        sites = [self._sites[pattern] for pattern in self._patterns(host) if pattern in self._sites]
        found = (
            place
            for beginning in self._beginnings(path)
            for site in sites
            for place in site.get(beginning, ())
            if is_among(method, self._routes[place].methods)
        )
        return min(found, default=None)

    def _patterns(self, host: str) -> Iterator[str]:
        yield ANY_HOST
        if host:
            yield from host_patterns(host, self._labels)

    def _beginnings(self, path: str) -> Iterator[str]:
        """The root, and the first segments of a path, as many as the longest route has."""
        yield "/"
        beginning = ""
        for segment in path.split("/", self._depth + 1)[1 : self._depth + 1]:
            beginning += "/" + segment
            yield beginning


def is_host_pattern(text: str) -> bool:
    """Whether a text is a host name in lower case, or one behind ``*.`` for all names below it."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def host_name(field: bytes) -> str:
    """The host of a ``Host`` field: without port, in lower case (RFC 3986 §3.2.2), without the root's dot.

    Servers find the site of ``example.org.`` under ``example.org``.
    """
    return _PORT.sub(b"", field).lower().removesuffix(b".").decode("latin-1")


def host_patterns(name: str, most_labels: int) -> Iterator[str]:
    """The patterns that a host matches: its name, and wildcards with up to `most_labels` labels."""
    yield name
    labels = name.rsplit(".", most_labels)[1:]
    for place in range(len(labels)):
        yield _WILDCARD + ".".join(labels[place:])


def _label_count(pattern: str) -> int:
    """The number of labels behind a wildcard; 0 for a pattern without one."""
    return pattern.count(".") if pattern.startswith(_WILDCARD) else 0


def check_costs(table: PolicyTable) -> None:
    """Check that no route costs more than a limit that its requests meet.

    Raises:
        ValueError: the message names the route and the limit.
    """
    for route in table.routes:
        for whose, limits in _limits_met(table, route):
            if route.cost > limits.smallest_quota:
                raise ValueError(
                    f"route {route.name!r} costs {route.cost}, which {whose} of {limits} can never admit"
                )


def _limits_met(table: PolicyTable, route: Route) -> Iterator[tuple[str, Limits]]:
    if route.limit is not None:
        yield "its own limit", route.limit
    yield "the default limit", table.default
    for name, limits in table.plans.items():
        yield f"the limit of plan {name!r}", limits
    for name, client in table.clients.items():
        if client.limit is not None:
            yield f"the limit of client {name!r}", client.limit
    if table.address_limit is not None:
        yield "the limit of an address", table.address_limit
