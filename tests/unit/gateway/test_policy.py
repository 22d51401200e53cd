from typing import Any

import pytest

from gateway.contract.clients import parse_clients
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import ClientPolicy, Policy, PolicyTable, Terms
from gateway.contract.routes import Route
from gateway.policy import policy_table

CLIENTS = parse_clients(
    """
    [plans]
    gold = "50/m"
    [[clients]]
    name = "planned"
    plan = "gold"
    key = "a"
    [[clients]]
    name = "own"
    plan = "gold"
    limit = "7/s"
    key = "b"
    [[clients]]
    name = "plain"
    key = "c"
    """
)
TABLE = policy_table(
    CLIENTS, default=parse_limits("100/m"), accepts_unknown_keys=False, on_store_failure="local"
)


def test_the_table_holds_what_the_clients_file_says_and_no_key() -> None:
    assert TABLE.plans == {"gold": parse_limits("50/m")}
    assert TABLE.clients == {
        "planned": ClientPolicy("gold", None),
        "own": ClientPolicy("gold", parse_limits("7/s")),
        "plain": ClientPolicy(None, None),
    }
    assert (TABLE.unknown_keys, TABLE.on_store_failure) == ("reject", "local")


def test_a_clients_own_limit_goes_before_its_plans_and_that_before_the_default() -> None:
    policies = {name: TABLE.policy_of(name, Overrides()) for name in ("own", "planned", "plain", "k_0")}

    assert policies == {
        "own": Policy("client", parse_limits("7/s")),
        "planned": Policy("gold", parse_limits("50/m")),
        "plain": Policy("default", parse_limits("100/m")),
        "k_0": Policy("default", parse_limits("100/m")),
    }


def test_a_live_override_goes_before_all() -> None:
    overrides = Overrides({name: Override(parse_limits("3/10s"), "me", 0.0) for name in ("own", "k_0")})

    assert TABLE.policy_of("own", overrides) == Policy("override", parse_limits("3/10s"))
    assert TABLE.policy_of("k_0", overrides) == Policy("override", parse_limits("3/10s"))
    assert TABLE.policy_of("planned", overrides) == Policy("gold", parse_limits("50/m"))


def test_who_accepts_unknown_keys_says_so_in_the_table() -> None:
    table = policy_table(
        CLIENTS, default=parse_limits("1/s"), accepts_unknown_keys=True, on_store_failure="open"
    )

    assert (table.unknown_keys, table.on_store_failure) == ("accept", "open")


def costly(cost: int, **settings: object) -> PolicyTable:
    usual: dict[str, Any] = {
        "default": parse_limits("100/m"),
        "accepts_unknown_keys": False,
        "on_store_failure": "local",
    }
    return policy_table(CLIENTS, routes=(Route("search", "/s", cost=cost),), **usual | settings)


def test_a_route_may_cost_as_much_as_the_smallest_limit_that_it_meets() -> None:
    assert costly(7).routes[0].cost == 7


@pytest.mark.parametrize(
    ("cost", "settings", "message"),
    [
        (8, {}, "route 'search' costs 8, which the limit of client 'own' of 7/s can never admit"),
        (51, {}, "route 'search' costs 51, which the limit of plan 'gold' of 50/m can never admit"),
        (101, {}, "route 'search' costs 101, which the default limit of 100/m can never admit"),
        (6, {"default": parse_limits("5/s,100/m")}, "which the default limit of 5/s,100/m can never admit"),
        (6, {"address_limit": parse_limits("5/m")}, "which the limit of an address of 5/m can never admit"),
    ],
)
def test_a_cost_above_a_limit_that_it_meets_is_refused_by_both_names(
    cost: int, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        costly(cost, **settings)


def test_a_cost_above_the_routes_own_limit_is_refused() -> None:
    routes = (Route("search", "/s", limit=parse_limits("2/s"), cost=3),)

    with pytest.raises(
        ValueError, match="route 'search' costs 3, which its own limit of 2/s can never admit"
    ):
        policy_table(
            CLIENTS,
            default=parse_limits("100/m"),
            accepts_unknown_keys=False,
            on_store_failure="local",
            routes=routes,
        )


def test_the_table_holds_what_plans_have_beside_their_limit() -> None:
    clients = parse_clients('[plans]\na = "1/s"\nb = { limit = "2/s", concurrency = 3, shadow = true }')
    table = policy_table(
        clients, default=parse_limits("9/m"), accepts_unknown_keys=False, on_store_failure="local"
    )

    assert table.plans == {"a": parse_limits("1/s"), "b": parse_limits("2/s")}
    assert table.plan_terms == {"b": Terms(3, shadow=True)}
