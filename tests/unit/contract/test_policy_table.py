from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import Limits, parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import (
    NOT_FOR_PLANS,
    ClientPolicy,
    Policy,
    PolicyTable,
    Terms,
    window_names,
)
from gateway.contract.routes import Route
from tests.contract.examples import POLICY_TABLE


@pytest.mark.parametrize(
    ("client", "policy"),
    [
        ("beta", Policy("client", parse_limits("50/s"), 2)),
        ("acme", Policy("gold", parse_limits("1000/m"), 20)),
        ("zeta", Policy("default", parse_limits("100/m"), shadow=True)),
        ("k_0123456789abcdef", Policy("default", parse_limits("100/m"), 5)),
    ],
)
def test_a_client_goes_by_its_limit_its_plans_or_the_default(client: str, policy: Policy) -> None:
    assert POLICY_TABLE.policy_of(client, Overrides()) == policy


def test_a_client_whose_plan_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="client 'acme' has the plan 'gold', which is not there"):
        replace(POLICY_TABLE, plans={})


def test_a_digest_is_16_hex_digits() -> None:
    digest = POLICY_TABLE.digest()

    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")


@given(st.permutations(list(POLICY_TABLE.clients)), st.permutations(list(POLICY_TABLE.plans)))
def test_the_order_of_a_file_does_not_change_the_digest(names: list[str], plans: list[str]) -> None:
    shuffled = replace(
        POLICY_TABLE,
        clients={name: POLICY_TABLE.clients[name] for name in names},
        plans={plan: POLICY_TABLE.plans[plan] for plan in plans},
        exempt=POLICY_TABLE.exempt[::-1],
        allow=POLICY_TABLE.allow[::-1],
        deny=POLICY_TABLE.deny[::-1],
    )

    assert shuffled.digest() == POLICY_TABLE.digest()


@pytest.mark.parametrize(
    "other",
    [
        replace(POLICY_TABLE, default=parse_limits("101/m")),
        replace(POLICY_TABLE, unknown_keys="reject"),
        replace(POLICY_TABLE, on_store_failure="closed"),
        replace(POLICY_TABLE, plans={**POLICY_TABLE.plans, "silver": parse_limits("1/s")}),
        replace(POLICY_TABLE, clients={**POLICY_TABLE.clients, "acme": ClientPolicy(plan="bronze")}),
        replace(POLICY_TABLE, clients={}),
        replace(POLICY_TABLE, plan_terms={}),
        replace(POLICY_TABLE, default_concurrency=3),
        replace(POLICY_TABLE, shadow=True),
        replace(POLICY_TABLE, address_limit=None),
        replace(POLICY_TABLE, routes=POLICY_TABLE.routes[::-1]),
        replace(POLICY_TABLE, routes=(replace(POLICY_TABLE.routes[0], host=""), *POLICY_TABLE.routes[1:])),
        replace(
            POLICY_TABLE, routes=(replace(POLICY_TABLE.routes[0], upstream=""), *POLICY_TABLE.routes[1:])
        ),
        replace(POLICY_TABLE, exempt=()),
        replace(POLICY_TABLE, allow=()),
        replace(POLICY_TABLE, deny=()),
    ],
)
def test_another_table_has_another_digest(other: PolicyTable) -> None:
    assert other.digest() != POLICY_TABLE.digest()


TERMS = PolicyTable(
    parse_limits("100/m"),
    "reject",
    "local",
    {"gold": parse_limits("9/s"), "trial": parse_limits("1/s"), "free": parse_limits("2/s")},
    {
        "plain": ClientPolicy(),
        "gold": ClientPolicy("gold"),
        "trial": ClientPolicy("trial"),
        "free": ClientPolicy("free"),
        "own": ClientPolicy("trial", parse_limits("5/s"), concurrency=7, shadow=False),
    },
    plan_terms={"trial": Terms(2, shadow=True), "free": Terms(0)},
    default_concurrency=4,
)


@pytest.mark.parametrize(
    ("client", "concurrency", "shadow"),
    [
        ("plain", 4, False),
        ("gold", 4, False),
        ("trial", 2, True),
        ("free", 0, False),
        ("own", 7, False),
        ("k_0123456789abcdef", 4, False),
    ],
)
def test_concurrency_and_shadow_are_the_clients_its_plans_or_the_default(
    client: str, concurrency: int, shadow: bool
) -> None:
    policy = TERMS.policy_of(client, Overrides())

    assert (policy.concurrency, policy.shadow) == (concurrency, shadow)


def test_an_override_replaces_the_limit_and_nothing_else() -> None:
    live = Overrides({"trial": Override(parse_limits("3/s,4/m"), "ana", 0.0)})

    assert TERMS.policy_of("trial", live) == Policy("override", parse_limits("3/s,4/m"), 2, shadow=True)


def test_shadow_of_the_node_is_shadow_of_everybody() -> None:
    table = replace(TERMS, shadow=True)

    assert all(table.policy_of(client, Overrides()).shadow for client in TERMS.clients)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,5}", fullmatch=True).filter(
    lambda name: name not in NOT_FOR_PLANS
)
some_limits = st.sampled_from(["1/s", "1/s,2/m", "1/10s,2/m,3/d"]).map(parse_limits)


@given(names, some_limits, st.dictionaries(names, some_limits, max_size=3))
def test_no_two_windows_that_a_request_can_meet_are_called_the_same(
    plan: str, limits: Limits, routes: dict[str, Limits]
) -> None:
    called = [*window_names(plan, limits), *window_names("address", limits), "concurrency"]
    for name, of_route in routes.items():
        called += window_names(Route(name, "/").policy_name, of_route)

    assert len(set(called)) == len(called)


def test_windows_are_called_as_their_policy_with_the_period_behind_it_where_there_are_several() -> None:
    assert window_names("gold", parse_limits("5/m")) == ("gold",)
    assert window_names("gold", parse_limits("5/m,1/s,9/2h")) == ("gold/s", "gold/m", "gold/2h")
