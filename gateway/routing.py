"""Where a request goes by the routes, what it costs, and what it meets beside its client's limit. No IO."""

from dataclasses import dataclass
from typing import Protocol

from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import ANY_HOST, DEFAULT_UPSTREAM, Route
from gateway.hosts import host_name
from gateway.meters import Meter, meters_of
from gateway.paths import readings
from gateway.route_index import RouteIndex


class Ambiguous(Exception):  # noqa: N818 - an answer to the client, not a fault
    """A request of which nobody can say which routes it is for."""


class Asking(Protocol):
    """A request, as far as routes look at it."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def host(self) -> bytes:
        """What its Host field says."""

    @property
    def target(self) -> bytes:
        """Path and query, as the client sent them."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What the routes say of a request; as it stands here where they say nothing."""

    upstream: str = DEFAULT_UPSTREAM
    cost: int = 1
    meters: tuple[Meter, ...] = ()


UNROUTED = Passage()
"""Of a request that no route takes."""


class Routing:
    """Finds a request's passage. Of most paths there is one reading, and so one route or none."""

    def __init__(self, table: PolicyTable) -> None:
        self._passages = tuple(_of_route(route, table) for route in table.routes)
        self._index = RouteIndex(table.routes)
        self._by_host = any(route.host != ANY_HOST for route in table.routes)
        self._leads = any(route.upstream != DEFAULT_UPSTREAM for route in table.routes)

    def passage(self, request: Asking) -> Passage:
        """The passage of a request.

        Where its path can be read in several ways, it meets the route of each, at the cost of the dearest.

        Raises:
            Ambiguous: they lead to different upstreams, or it names no host where routes have hosts.
        """
        if not self._passages:
            return UNROUTED
        if self._by_host and not request.host:
            raise Ambiguous
        method, name = request.method, host_name(request.host)
        found = {self._index.first(method, name, path) for path in readings(request.target)}
        passages = [self._passages[place] for place in sorted(place for place in found if place is not None)]
        if None in found:
            passages.append(UNROUTED)
        return passages[0] if len(passages) == 1 else _together(passages)

    def upstream(self, request: Asking) -> str:
        """Only where it goes.

        Raises:
            Ambiguous: nobody can say so.
        """
        return self.passage(request).upstream if self._leads or self._by_host else DEFAULT_UPSTREAM


def _together(passages: list[Passage]) -> Passage:
    if len({passage.upstream for passage in passages}) > 1:
        raise Ambiguous
    return Passage(
        passages[0].upstream,
        max(passage.cost for passage in passages),
        tuple(meter for passage in passages for meter in passage.meters),
    )


def _of_route(route: Route, table: PolicyTable) -> Passage:
    meters: tuple[Meter, ...] = ()
    if route.limit is not None:
        shadow = route.shadow or table.shadow
        meters = meters_of(route.policy_name, route.policy_name, route.limit, shadow=shadow)
    return Passage(route.upstream, route.cost, meters)
