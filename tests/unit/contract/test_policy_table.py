from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.limits import Limit
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ClientPolicy, Policy, PolicyTable
from tests.contract.examples import POLICY_TABLE


@pytest.mark.parametrize(
    ("client", "policy"),
    [
        ("beta", Policy("client", Limit(50, 1))),
        ("acme", Policy("gold", Limit(1000, 60))),
        ("zeta", Policy("default", Limit(100, 60))),
        ("k_0123456789abcdef", Policy("default", Limit(100, 60))),
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
    )

    assert shuffled.digest() == POLICY_TABLE.digest()


@pytest.mark.parametrize(
    "other",
    [
        replace(POLICY_TABLE, default=Limit(101, 60)),
        replace(POLICY_TABLE, unknown_keys="reject"),
        replace(POLICY_TABLE, on_store_failure="closed"),
        replace(POLICY_TABLE, plans={**POLICY_TABLE.plans, "silver": Limit(1, 1)}),
        replace(POLICY_TABLE, clients={**POLICY_TABLE.clients, "acme": ClientPolicy(plan="bronze")}),
        replace(POLICY_TABLE, clients={}),
    ],
)
def test_another_table_has_another_digest(other: PolicyTable) -> None:
    assert other.digest() != POLICY_TABLE.digest()
