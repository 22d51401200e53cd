"""Reads the policies: settings, the clients file (`gateway.contract.clients`), and the routes file.

The routes file has upstreams, and limits and costs by host, path and method:

[upstreams]
search = "http://10.0.0.7:9000,http://10.0.0.8:9000"

[[routes]]
name = "search"
path = "/api/search"         # a prefix by whole segments; "/" is all
host = "api.example.org"     # optional: all; or "*.example.org"
methods = ["GET", "POST"]    # optional: all; GET is HEAD too
upstream = "search"          # optional: that of the settings
limit = "5/s,1000/d"         # optional, of each client
cost = 3                     # optional: what a request takes of each window that it meets, 1
shadow = false               # optional: the limit refuses nobody
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gateway.admission import Policies
from gateway.config.settings import Settings
from gateway.config.values import parse_upstream_urls
from gateway.contract.client_id import DEFAULT_SECRET, is_registered_name
from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from gateway.contract.limits import MAX_QUOTA, Limits, LimitSyntaxError, parse_limits
from gateway.contract.policy_table import NOT_FOR_PLANS, PolicyTable, Terms
from gateway.contract.routes import ANY_HOST, DEFAULT_UPSTREAM, Route, is_method
from gateway.errors import StartError
from gateway.identity import Identity
from gateway.policy.paths import is_plain_path
from gateway.policy.resolve import LimitTable
from gateway.policy.routing import Routing, check_costs, is_host_pattern

Content = TypeVar("Content")

_FIELDS = {"name", "path", "host", "methods", "limit", "cost", "shadow", "upstream"}
_EFFECTS = {"limit", "cost", "upstream"}

Upstreams = Mapping[str, tuple[str, ...]]


def read_policies(settings: Settings) -> Policies:
    """Read the policies from the settings and the current content of their files.

    Raises:
        StartError: a file is invalid, a list names an unknown client, or a cost exceeds a limit.
    """
    clients = _read("GATEWAY_CLIENTS_FILE", settings.clients_file, parse_clients) or Clients()
    file = _read("GATEWAY_ROUTES_FILE", settings.routes_file, parse_routes) or RoutesFile()
    table = _table(settings, clients, file.routes)
    for variable, listed in (("GATEWAY_ALLOW", settings.allow), ("GATEWAY_DENY", settings.deny)):
        try:
            listed.check_known(clients.by_name, accepts_unknown=settings.accepts_unknown_keys)
        except ValueError as error:
            raise StartError(f"{variable}: {error}", 2) from None
    secret = settings.identity_secret
    identity = Identity(
        clients,
        accepts_unknown=settings.accepts_unknown_keys,
        secret=DEFAULT_SECRET if secret is None else secret.get_secret_value(),
        accepts_anonymous=settings.accepts_anonymous,
        key_header=settings.key_header,
    )
    return Policies(
        table,
        identity,
        LimitTable(table),
        Routing(table),
        settings.exempt,
        settings.allow,
        settings.deny,
        {DEFAULT_UPSTREAM: settings.upstream_urls, **file.upstreams},
    )


def _table(settings: Settings, clients: Clients, routes: tuple[Route, ...]) -> PolicyTable:
    plans = clients.plans
    table = PolicyTable(
        default=settings.default_limit,
        unknown_keys="accept" if settings.accepts_unknown_keys else "reject",
        on_store_failure=settings.on_store_failure,
        plans={name: plan.limit for name, plan in plans.items()},
        clients=dict(clients.by_name),
        plan_terms={name: plan.terms for name, plan in plans.items() if plan.terms != Terms()},
        default_concurrency=settings.default_concurrency,
        shadow=settings.shadow,
        address_limit=settings.address_limit,
        routes=routes,
        exempt=settings.exempt.entries,
        allow=settings.allow.entries,
        deny=settings.deny.entries,
        anonymous=settings.anonymous,
    )
    try:
        check_costs(table)
    except ValueError as error:
        raise StartError(f"{settings.routes_file}: {error}", 2) from None
    return table


def _read(variable: str, path: Path | None, parse: Callable[[str], Content]) -> Content | None:
    """Parse a file; None if the setting names none."""
    if path is None:
        return None
    try:
        if path.is_fifo():  # reading it would block, and cannot be cancelled
            raise StartError(f"{variable}={path}: a pipe, not a file", 2)
        return parse(path.read_text())
    except OSError as error:
        raise StartError(f"{variable}={path}: {error.strerror}", 2) from None
    except (ClientsFileError, RoutesFileError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}", 2) from None


class RoutesFileError(ValueError):
    """Invalid routes file; the message names the entry."""


@dataclass(frozen=True, slots=True)
class RoutesFile:
    """Routes in order of precedence: the first that matches wins. Upstreams by name."""

    routes: tuple[Route, ...] = ()
    upstreams: Upstreams = field(default_factory=dict)


def parse_routes(text: str) -> RoutesFile:
    """Parse a routes file.

    Raises:
        RoutesFileError: the message names the invalid entry and says what to write.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets int()'s refusal of a long number through
        raise RoutesFileError(f"not TOML: {error}") from None
    entries = document.get("routes", [])
    if document.keys() - {"routes", "upstreams"} or not isinstance(entries, list):
        raise RoutesFileError(
            "routes are written as [[routes]] entries, with their upstreams under [upstreams], "
            "and nothing else is known"
        )
    upstreams = _upstreams(document.get("upstreams", {}))
    routes: dict[str, Route] = {}
    for position, entry in enumerate(entries, 1):
        route = _route(position, entry, upstreams)
        if route.name in routes:
            raise RoutesFileError(f"route {route.name!r} is there twice")
        routes[route.name] = route
    if unused := upstreams.keys() - {route.upstream for route in routes.values()}:
        raise RoutesFileError(f"upstream {min(unused)!r}: no route leads to it")
    return RoutesFile(tuple(routes.values()), upstreams)


def _upstreams(table: Any) -> Upstreams:
    if not isinstance(table, dict):
        raise RoutesFileError(
            'upstreams are written as [upstreams], with lines like search = "http://HOST:PORT"'
        )
    upstreams = {}
    for name, urls in table.items():
        place = f"upstream {name[:64]!r}"
        if not is_registered_name(name):
            raise RoutesFileError(f"{place}: a name has letters, digits and ._@- (64 at most)")
        if not isinstance(urls, str):
            raise RoutesFileError(f"{place}: its addresses are a text, with commas between them")
        try:
            upstreams[name] = parse_upstream_urls(urls)
        except ValueError as error:
            raise RoutesFileError(f"{place}: {error}") from None
    return upstreams


def _route(position: int, entry: Any, upstreams: Upstreams) -> Route:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not is_registered_name(name):
        raise RoutesFileError(f"route {position}: needs a name of letters, digits and ._@- (64 at most)")
    place = f"route {name!r}"
    if name in NOT_FOR_PLANS:
        raise RoutesFileError(f"{place}: other policies are called so; rename it")
    if unknown := entry.keys() - _FIELDS:
        raise RoutesFileError(f"{place}: unknown field {min(unknown)!r}")
    if not entry.keys() & _EFFECTS:
        raise RoutesFileError(f"{place}: has no limit, no cost and no upstream, so it would change nothing")
    return Route(
        name,
        _path(place, entry.get("path")),
        _methods(place, entry["methods"]) if "methods" in entry else (),
        None if "limit" not in entry else _limit(place, entry["limit"]),
        _cost(place, entry.get("cost", 1)),
        _shadow(place, entry.get("shadow", False)),
        _host(place, entry["host"]) if "host" in entry else ANY_HOST,
        _upstream(place, entry["upstream"], upstreams) if "upstream" in entry else DEFAULT_UPSTREAM,
    )


def _path(place: str, value: Any) -> str:
    if not isinstance(value, str) or not is_plain_path(value.encode(errors="replace")):
        raise RoutesFileError(
            f'{place}: needs a path, as in "/api": without escapes, query, parameters, dot segments'
        )
    if value.endswith("/*"):
        raise RoutesFileError(f"{place}: write the path without a star: it is for all below in any case")
    if value != "/" and value.endswith("/"):
        raise RoutesFileError(f"{place}: write the path without a slash at its end: it is for all below")
    return value


def _methods(place: str, value: Any) -> tuple[str, ...]:
    methods = tuple(value) if isinstance(value, list) else ()
    if not methods or not all(isinstance(one, str) and is_method(one) for one in methods):
        raise RoutesFileError(f'{place}: methods are a list in capitals, as in ["GET", "POST"]')
    return methods


def _limit(place: str, value: Any) -> Limits:
    if not isinstance(value, str):
        raise RoutesFileError(f'{place}: a limit is a text, as in "100/m"')
    try:
        return parse_limits(value)
    except LimitSyntaxError as error:
        raise RoutesFileError(f"{place}: {error}") from None


def _cost(place: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_QUOTA:
        raise RoutesFileError(f"{place}: a cost is a whole number from 1 on")
    return value


def _shadow(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RoutesFileError(f"{place}: shadow is true or false")
    return value


def _host(place: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not is_host_pattern(value.lower()):
        raise RoutesFileError(
            f'{place}: a host is a name without a port, as in "api.example.org", or "*.example.org"'
        )
    return value.lower()


def _upstream(place: str, value: Any, upstreams: Upstreams) -> str:
    if not isinstance(value, str) or value not in upstreams:
        raise RoutesFileError(f"{place}: there is no upstream {value!r:.70} under [upstreams]")
    return value
