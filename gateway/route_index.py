"""Finds the route of a request by looking its host and its path's beginnings up, however many there are.

No IO.
"""

from collections.abc import Iterator, Sequence

from gateway import hosts
from gateway.contract.routes import ANY_HOST, Route, is_among

_Places = dict[str, list[int]]


class RouteIndex:
    """Routes by their hosts and paths."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._sites: dict[str, _Places] = {}
        for place, route in enumerate(routes):
            self._sites.setdefault(route.host, {}).setdefault(route.path, []).append(place)
        self._depth = max((route.path.count("/") for route in routes), default=0)
        self._labels = max((hosts.depth(route.host) for route in routes), default=0)

    def first(self, method: str, host: str, path: str) -> int | None:
        """The place of the first route in the file that takes a request.

        `host` is as `hosts.host_name` has it, `path` is in normal form.
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
            yield from hosts.patterns(host, self._labels)

    def _beginnings(self, path: str) -> Iterator[str]:
        """The root, and the first segments of a path, as far as a route could have as many."""
        yield "/"
        beginning = ""
        for segment in path.split("/", self._depth + 1)[1 : self._depth + 1]:
            beginning += "/" + segment
            yield beginning
