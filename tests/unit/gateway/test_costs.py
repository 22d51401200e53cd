from dataclasses import replace
from typing import Any

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.contract.routes import Route
from gateway.policy.routing import check_costs

TABLE = PolicyTable(
    default=parse_limits("100/m"),
    unknown_keys="reject",
    on_store_failure="local",
    plans={"gold": parse_limits("50/m")},
    clients={"planned": ClientPolicy("gold"), "own": ClientPolicy("gold", parse_limits("7/s"))},
)


def costly(cost: int, **policies: Any) -> PolicyTable:
    return replace(TABLE, routes=(Route("search", "/s", cost=cost),), **policies)


def test_a_route_may_cost_as_much_as_the_smallest_limit_that_it_meets() -> None:
    check_costs(costly(7))


@pytest.mark.parametrize(
    ("cost", "policies", "message"),
    [
        (8, {}, "route 'search' costs 8, which the limit of client 'own' of 7/s can never admit"),
        (51, {}, "route 'search' costs 51, which the limit of plan 'gold' of 50/m can never admit"),
        (101, {}, "route 'search' costs 101, which the default limit of 100/m can never admit"),
        (6, {"default": parse_limits("5/s,100/m")}, "which the default limit of 5/s,100/m can never admit"),
        (6, {"address_limit": parse_limits("5/m")}, "which the limit of an address of 5/m can never admit"),
        (
            3,
            {"routes": (Route("search", "/s", limit=parse_limits("2/s"), cost=3),)},
            "route 'search' costs 3, which its own limit of 2/s can never admit",
        ),
    ],
)
def test_a_cost_above_a_limit_that_it_meets_is_refused_by_both_names(
    cost: int, policies: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_costs(replace(costly(cost), **policies))
