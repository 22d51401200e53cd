from gateway.contract.limits import Limit
from gateway.contract.overrides import parse_overrides
from gateway.contract.policy_table import ClientPolicy, Policy, PolicyTable
from subject.live_changes import LiveChanges
from subject.policies import Policies
from tests.unit.subject.builders import START, entry, policies, record


def test_a_live_override_goes_before_all() -> None:
    found = policies(clients={"acme": "50/s"}, overrides={"acme": "7/s"})

    assert found.applied_to("acme") == Policy("override", Limit(7, 1))


def test_a_client_without_anything_has_the_default() -> None:
    assert policies("100/m").applied_to("k_0123456789abcdef") == Policy("default", Limit(100, 60))


def test_a_clients_own_limit_goes_before_its_plans() -> None:
    table = PolicyTable(
        Limit(1, 1),
        "reject",
        "local",
        {"gold": Limit(1000, 60)},
        {"acme": ClientPolicy("gold", Limit(5, 1)), "beta": ClientPolicy("gold")},
    )

    assert Policies(table=table).applied_to("acme") == Policy("client", Limit(5, 1))
    assert Policies(table=table).applied_to("beta") == Policy("gold", Limit(1000, 60))


def test_without_a_table_only_overrides_are_known() -> None:
    live = policies(overrides={"acme": "7/s"}).overrides

    assert Policies(live).applied_to("acme") == Policy("override", Limit(7, 1))
    assert Policies(live).applied_to("beta") is None


def test_what_most_nodes_enforce_applies_and_the_clients_of_all_are_known() -> None:
    old, new = (policies("100/m", {name: "5/s"}).table for name in ("acme", "beta"))
    assert old is not None
    assert new is not None
    tables = {table.digest(): table for table in (old, new)}
    roster = {
        f"node-{n}": entry(record(f"node-{n}"), table.digest()) for n, table in enumerate((old, new, new), 1)
    }

    found = Policies.published(LiveChanges(), START, roster, tables)

    assert found.table == new
    assert [found.is_client(name) for name in ("acme", "beta", "k_0123456789abcdef", "gamma")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_change_that_cannot_be_read_is_one_too() -> None:
    live = parse_overrides({"limit:acme": "{", "generation:beta": "3"})

    assert [Policies(live).is_changed(name) for name in ("acme", "beta", "gamma")] == [True, True, False]
