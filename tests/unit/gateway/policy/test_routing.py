from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import DEFAULT_UPSTREAM, Route
from gateway.policy.paths import path_variants
from gateway.policy.resolve import LimitWindow, RouteMatch
from gateway.policy.routing import AmbiguousRouteError, Routing

TABLE = PolicyTable(
    parse_limits("500/m"),
    "accept",
    "local",
    {},
    {},
    routes=(
        Route("search", "/api/search", ("GET",), parse_limits("5/s"), cost=3),
        Route("writes", "/api", ("POST", "PUT"), parse_limits("2/s,9/m"), shadow=True),
        Route("heavy", "/heavy", cost=5),
        Route("rest", "/api", (), parse_limits("50/s")),
    ),
)
ROUTING = Routing(TABLE)


class Asked(NamedTuple):
    """A request, as far as routes look at it."""

    method: str
    host: bytes
    target: bytes


def names(meters: tuple[LimitWindow, ...]) -> list[str]:
    return [meter.name for meter in meters]


@pytest.mark.parametrize(
    ("method", "target", "cost", "met"),
    [
        ("GET", b"/api/search?q=1", 3, ["route/search"]),
        ("HEAD", b"/api/search", 3, ["route/search"]),
        ("POST", b"/api/search", 1, ["route/writes/s", "route/writes/m"]),
        ("GET", b"/api/other", 1, ["route/rest"]),
        ("GET", b"/heavy/x", 5, []),
        ("GET", b"/", 1, []),
        ("GET", b"/api/%73earch", 3, ["route/search"]),
        ("GET", b"//api//search", 3, ["route/search"]),
        ("GET", b"http://any.example/api/search", 3, ["route/search"]),
        # the service may be one that reads it so or so
        ("GET", b"/heavy/../api/search", 5, ["route/search"]),
        ("GET", b"/api/search/..%2f..%2fheavy", 5, ["route/search"]),
        ("GET", b"/api/x/../search", 3, ["route/search", "route/rest"]),
    ],
)
def test_a_request_meets_the_first_route_that_takes_it_however_its_path_is_written(
    method: str, target: bytes, cost: int, met: list[str]
) -> None:
    passage = ROUTING.match(Asked(method, b"any.example", target))

    assert (passage.cost, names(passage.windows)) == (cost, met)
    assert passage.upstream == DEFAULT_UPSTREAM


def test_a_routes_windows_are_counted_for_each_client_under_a_scope_of_their_own() -> None:
    meters = ROUTING.match(Asked("POST", b"", b"/api")).windows

    assert [meter.hit("acme", 1, 1).key for meter in meters] == [
        "ratelimit:{acme}:route/writes:1:1",
        "ratelimit:{acme}:route/writes:60:1",
    ]
    assert [meter.shadow for meter in meters] == [True, True]


def test_a_node_in_shadow_has_the_meters_of_routes_in_shadow() -> None:
    meters = Routing(replace(TABLE, shadow=True)).match(Asked("GET", b"", b"/api/search")).windows

    assert [meter.shadow for meter in meters] == [True]


def test_without_routes_a_request_costs_one_and_goes_to_the_default() -> None:
    assert Routing(replace(TABLE, routes=())).match(Asked("GET", b"", b"/api/%2e%2e")) == RouteMatch()


LED = Routing(
    replace(
        TABLE,
        routes=(
            Route("search", "/api/search", limit=parse_limits("5/s"), upstream="search"),
            Route("suggest", "/api/suggest", cost=2, upstream="search"),
            Route("admin", "/", host="*.admin.example", upstream="admin"),
            Route("counted", "/api", limit=parse_limits("9/s")),
        ),
    )
)


@pytest.mark.parametrize(
    ("host", "target", "upstream"),
    [
        (b"api.example", b"/api/search", "search"),
        (b"a.admin.example", b"/api/search", "search"),
        (b"a.admin.example", b"/x", "admin"),
        (b"A.Admin.Example.:8080", b"/x", "admin"),
        (b"admin.example", b"/x", DEFAULT_UPSTREAM),
        (b"api.example", b"/api", DEFAULT_UPSTREAM),
        (b"api.example", b"/api/%73earch//x", "search"),
        # several path_variants that lead to one place
        (b"api.example", b"/api/search/..%2fsuggest", "search"),
        (b"a.admin.example", b"/x/..%2fy", "admin"),
        (b"api.example", b"/x/..%2fapi", DEFAULT_UPSTREAM),
    ],
)
def test_a_route_gives_a_request_its_upstream(host: bytes, target: bytes, upstream: str) -> None:
    assert LED.match(Asked("GET", host, target)).upstream == upstream
    assert LED.upstream(Asked("GET", host, target)) == upstream


@pytest.mark.parametrize(
    "target",
    [
        b"/api/search/../x",
        b"/api/search%2f..%2fx",
        b"/x;y/..;/api/search",
        b"//x/api/search",
        b"/api\\search",
        b"/x/%2e%2e/api/search",
    ],
)
def test_what_two_services_could_claim_is_nobodys(target: bytes) -> None:
    with pytest.raises(AmbiguousRouteError):
        LED.match(Asked("GET", b"api.example", target))
    with pytest.raises(AmbiguousRouteError):
        LED.upstream(Asked("GET", b"api.example", target))


pieces = st.sampled_from(
    [
        b"/",
        b"//",
        b"api",
        b"search",
        b"x",
        b"..",
        b"%2F",
        b"%2e%2E",
        b";",
        b"\\",
        b"%5C",
        b"?",
        b"/api/search",
    ]
)


@given(st.lists(pieces, max_size=8).map(lambda parts: b"/" + b"".join(parts)))
def test_whichever_way_a_service_reads_a_path_it_is_the_one_that_this_way_leads_to(target: bytes) -> None:
    ways = {
        LED.match(Asked("GET", b"api.example", quoted(reading))).upstream for reading in path_variants(target)
    }

    try:
        upstream = LED.upstream(Asked("GET", b"api.example", target))
    except AmbiguousRouteError:
        assert len(ways) > 1
    else:
        assert ways == {upstream}


def quoted(reading: str) -> bytes:
    """A target that has only this reading as far as these routes go: what no route has in it is left out."""
    return "/".join(
        part if part in ("", "api", "search") else "other" for part in reading.split("/")
    ).encode()


def test_without_a_host_nobody_can_say_which_routes_of_hosts_a_request_meets() -> None:
    with pytest.raises(AmbiguousRouteError):
        LED.match(Asked("GET", b"", b"/x"))
    with pytest.raises(AmbiguousRouteError):
        LED.upstream(Asked("GET", b"", b"/x"))


def test_of_several_readings_with_one_upstream_each_route_is_met_at_the_dearest_cost() -> None:
    passage = LED.match(Asked("GET", b"api.example", b"/api/search/..%2fsuggest"))

    assert (passage.cost, names(passage.windows)) == (2, ["route/search"])


def test_where_no_route_leads_anywhere_nothing_is_ambiguous() -> None:
    assert ROUTING.upstream(Asked("GET", b"", b"/heavy/..%2fapi")) == DEFAULT_UPSTREAM
