"""Where a request goes on to, whether it is counted or not."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.access import AccessDeniedError
from gateway.contract.limits import parse_limits
from gateway.contract.routes import Route
from gateway.identity import UnauthenticatedError
from gateway.policy.routing import AmbiguousRouteError
from tests.unit.gateway.desk import TABLE, admission, request

LED = replace(
    TABLE,
    routes=(
        Route("search", "/s", (), parse_limits("9/s"), host="api.example", upstream="search"),
        Route("assets", "/a", upstream="assets"),
        Route("costly", "/c", cost=2),
    ),
    default_concurrency=1,
)


@pytest.mark.parametrize(
    ("target", "host", "upstream"),
    [
        (b"/s/x", b"api.example", "search"),
        (b"/s", b"API.example:8080", "search"),
        (b"/s", b"www.example", ""),
        (b"/a", b"www.example", "assets"),
        (b"/c", b"api.example", ""),
        (b"/", b"api.example", ""),
    ],
)
@pytest.mark.parametrize("options", [{}, {"allow": "acme"}, {"exempt": "GET"}])
async def test_the_route_says_which_upstream_it_goes_to_counted_or_not(
    options: dict[str, Any], target: bytes, host: bytes, upstream: str
) -> None:
    made, _ = admission(LED, **options)

    assert (await made.decide(*request(target=target, host=host))).upstream == upstream


@pytest.mark.parametrize("options", [{}, {"allow": "acme"}, {"exempt": "GET"}])
async def test_what_could_belong_to_two_upstreams_is_refused_before_it_costs_anything(
    options: dict[str, Any],
) -> None:
    made, limiter = admission(LED, **options)

    with pytest.raises(AmbiguousRouteError):
        await made.decide(*request(target=b"/c/..%2fs"))
    assert limiter.asked == []
    assert len(made.in_flight) == 0


async def test_who_may_not_come_in_is_not_told_where_a_path_leads() -> None:
    made, _ = admission(LED, deny="acme")

    for key, error in (("acme-key", AccessDeniedError), (None, UnauthenticatedError)):
        with pytest.raises(error):
            await made.decide(*request(key, b"/c/..%2fs"))
