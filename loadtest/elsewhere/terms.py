"""What a request of a path costs, and which limits it meets beside its client's, by what nodes publish."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.contract.limits import Limit, parse_limits
from gateway.contract.routes import is_among
from loadtest.elsewhere.target import TargetError

METHOD = "GET"


@dataclass(frozen=True, slots=True)
class RouteTerms:
    """One route, as ``subject limits`` tells it."""

    path: str
    methods: tuple[str, ...] = ()
    limit: str | None = None
    cost: int = 1
    shadow: bool = False
    host: str | None = None

    def takes(self, path: str, host: str) -> bool:
        """Whether a GET of this plain path is its own."""
        beginning = self.path.rstrip("/")
        is_below = path == self.path or path.startswith(f"{beginning}/")
        return is_below and is_among(METHOD, self.methods) and _is_host(host, self.host)


@dataclass(frozen=True, slots=True)
class Terms:
    """What each request costs of every window that it meets, and the windows beside the client's own."""

    cost: int = 1
    windows: tuple[Limit, ...] = ()

    def in_requests(self, windows: Iterable[Limit]) -> list[Limit]:
        """These and the others, in requests.

        Raises:
            TargetError: one request costs more than one of them has.
        """
        found = [Limit(window.quota // self.cost, window.period_seconds) for window in windows]
        found += [Limit(window.quota // self.cost, window.period_seconds) for window in self.windows]
        if not all(window.quota for window in found):
            raise TargetError(f"a request costs {self.cost} there, which is more than a limit has")
        return found


PLAIN = Terms()
"""Where no route says anything."""


def of_path(path: str, hosts: Iterable[str], routes: Sequence[RouteTerms]) -> Terms:
    """By the first route that takes it; of several hosts the dearest, and all windows."""
    found = [
        next((route for route in routes if route.takes(path, host)), RouteTerms("/")) for host in set(hosts)
    ]
    limits = {route.limit for route in found if route.limit is not None and not route.shadow}
    windows = {window for limit in limits for window in parse_limits(limit).windows}
    cost = max((route.cost for route in found), default=1)
    return Terms(cost, tuple(sorted(windows, key=lambda one: one.period_seconds)))


def is_exempt(path: str, entries: Iterable[str]) -> bool:
    """Whether a GET of this plain path needs no key and is not counted."""
    for entry in entries:
        method, _, place = entry.rpartition(" ") if "/" in entry else (entry, "", "")
        is_there = not place or (path.startswith(place[:-1]) if place.endswith("/*") else path == place)
        if is_there and is_among(METHOD, (method,) if method else ()):
            return True
    return False


def _is_host(host: str, pattern: str | None) -> bool:
    host = host.lower().rstrip(".")
    if pattern is None:
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
