import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.routes import Route, is_among
from gateway.policy.routing import RouteIndex


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
    assert (RouteIndex([Route("r", prefix)]).first("GET", "any.example", path) == 0) is taken


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

    assert index.first(method, "any.example", path) == place


def test_without_routes_nothing_is_found() -> None:
    assert RouteIndex([]).first("GET", "", "/") is None


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("api.example.org", 0),
        ("www.example.org", 1),
        ("a.b.example.org", 1),
        ("late.example.org", 1),
        ("example.org", 3),
        ("notexample.org", 3),
        ("api.example.org.evil.example", 3),
        ("org", 3),
        ("", 3),
    ],
)
def test_a_host_is_a_name_or_all_below_one_and_the_order_of_the_file_counts(host: str, place: int) -> None:
    index = RouteIndex(
        [
            Route("api", "/", host="api.example.org"),
            Route("below", "/", host="*.example.org"),
            Route("late", "/", host="late.example.org"),
            Route("rest", "/"),
        ]
    )

    assert index.first("GET", host, "/x") == place


paths = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from([(), ("GET",), ("POST",), ("GET", "PUT")])
hosts = st.lists(st.sampled_from(["a", "b"]), max_size=3).map(".".join)
patterns = st.one_of(hosts, hosts.filter(bool).map("*.".__add__))


@given(
    st.lists(st.builds(Route, st.just("r"), paths, methods, host=patterns), max_size=6), methods, hosts, paths
)
def test_the_index_finds_what_a_look_at_each_route_finds(
    routes: list[Route], wanted: tuple[str, ...], host: str, path: str
) -> None:
    method = wanted[0] if wanted else "HEAD"

    def takes(route: Route) -> bool:
        below = route.path if route.path == "/" else route.path + "/"
        here = route.host in ("", host) or (route.host[0] == "*" and host.endswith(route.host[1:]))
        return here and (path == route.path or path.startswith(below)) and is_among(method, route.methods)

    expected = next((place for place, route in enumerate(routes) if takes(route)), None)
    assert RouteIndex(routes).first(method, host, path) == expected


def calls_of(index: RouteIndex, host: str, path: str) -> int:
    """How many functions are called to find that nothing takes a request."""
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = index.first("GET", host, path)
    finally:
        sys.setprofile(None)
    assert found is None
    return calls


def test_neither_many_routes_nor_a_deep_path_nor_a_long_host_cost_more() -> None:
    few, many = (
        RouteIndex([Route(f"r{n}", f"/a/b/{n}", host=f"*.h{n % 9}.example") for n in range(routes)])
        for routes in (9, 10_000)
    )

    usual = calls_of(few, "a.a.a.h1.example", "/a" * 4)
    assert calls_of(many, "a." * 4000 + "h1.example", "/a" * 4000) <= usual
