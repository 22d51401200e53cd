"""Finds the route of a request by looking its path's beginnings up, however many routes there are. No IO."""

from collections.abc import Iterator, Sequence

from gateway.contract.routes import Route, is_among


class RouteIndex:
    """Routes by their paths."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._places: dict[str, list[int]] = {}
        for place, route in enumerate(routes):
            self._places.setdefault(route.path, []).append(place)
        self._depth = max((path.count("/") for path in self._places), default=0)

    def first(self, method: str, path: str) -> int | None:
        """The place of the first route in the file that takes a request; `path` is in normal form."""
        found = (
            place
            for beginning in self._beginnings(path)
            for place in self._places.get(beginning, ())
            if is_among(method, self._routes[place].methods)
        )
        return min(found, default=None)

    def _beginnings(self, path: str) -> Iterator[str]:
        """The root, and the first segments of a path, as far as a route could have as many."""
        yield "/"
        beginning = ""
        for segment in path.split("/", self._depth + 1)[1 : self._depth + 1]:
            beginning += "/" + segment
            yield beginning
