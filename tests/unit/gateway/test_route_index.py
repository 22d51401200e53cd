import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.routes import Route, is_among
from gateway.route_index import RouteIndex


@pytest.mark.parametrize(
    ("prefix", "path", "taken"),
    [
        ("/api", "/api", True),
        ("/api", "/api/", True),
        ("/api", "/api/search", True),
        ("/api/search", "/api/search/x/y", True),
        ("/api/search", "/api", False),
        ("/api", "/apis", False),
        ("/api", "/API", False),
        ("/api", "/", False),
        ("/api", "/v1/api", False),
        ("/", "/", True),
        ("/", "/anything/at/all", True),
    ],
)
def test_a_path_is_a_prefix_by_whole_segments(prefix: str, path: str, taken: bool) -> None:
    assert (RouteIndex([Route("r", prefix)]).first("GET", path) == 0) is taken


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "/api/search", 0),
        ("HEAD", "/api/search/x", 0),
        ("POST", "/api/search", 1),
        ("GET", "/api", 2),
        ("GET", "/api/late", 2),
        ("GET", "/", None),
    ],
)
def test_the_first_in_the_file_that_takes_a_request_is_its_route(
    method: str, path: str, place: int | None
) -> None:
    index = RouteIndex(
        [
            Route("search", "/api/search", ("GET",)),
            Route("writes", "/api", ("POST",)),
            Route("rest", "/api"),
            Route("late", "/api/late"),
        ]
    )

    assert index.first(method, path) == place


def test_without_routes_nothing_is_found() -> None:
    assert RouteIndex([]).first("GET", "/") is None


paths = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from([(), ("GET",), ("POST",), ("GET", "PUT")])


@given(st.lists(st.builds(Route, st.just("r"), paths, methods), max_size=6), methods, paths)
def test_the_index_finds_what_a_look_at_each_route_finds(
    routes: list[Route], wanted: tuple[str, ...], path: str
) -> None:
    method = wanted[0] if wanted else "HEAD"

    def takes(route: Route) -> bool:
        below = route.path if route.path == "/" else route.path + "/"
        return (path == route.path or path.startswith(below)) and is_among(method, route.methods)

    expected = next((place for place, route in enumerate(routes) if takes(route)), None)
    assert RouteIndex(routes).first(method, path) == expected


def test_neither_many_routes_nor_a_deep_path_take_long() -> None:
    index = RouteIndex([Route(f"r{n}", f"/a/b/{n}") for n in range(10_000)])
    started = time.perf_counter()
    for _ in range(1000):
        assert index.first("GET", "/a" * 4000) is None
    assert time.perf_counter() - started < 0.5
