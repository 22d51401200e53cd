from gateway.contract.limits import Limit
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from subject.policies import Applied, Policies
from tests.unit.subject.builders import policies


def test_a_live_override_goes_before_all() -> None:
    found = policies(clients={"acme": "50/s"}, overrides={"acme": "7/s"})

    assert found.applied_to("acme") == Applied(Limit(7, 1), "override")


def test_a_client_without_anything_has_the_default() -> None:
    assert policies("100/m").applied_to("k_0123456789abcdef") == Applied(Limit(100, 60), "default")


def test_a_clients_own_limit_goes_before_its_plans() -> None:
    table = PolicyTable(
        Limit(1, 1),
        "reject",
        "local",
        {"gold": Limit(1000, 60)},
        {"acme": ClientPolicy("gold", Limit(5, 1)), "beta": ClientPolicy("gold")},
    )

    assert Policies(table=table).applied_to("acme") == Applied(Limit(5, 1), "client")
    assert Policies(table=table).applied_to("beta") == Applied(Limit(1000, 60), "plan gold")


def test_without_a_table_only_overrides_are_known() -> None:
    assert Policies().applied_to("acme") is None
