from gateway.contract.limits import parse_limits
from gateway.contract.overrides import parse_overrides
from gateway.contract.policy_table import ClientPolicy, Policy, PolicyTable
from gateway.contract.records import Reloads
from gateway.contract.routes import Route
from subject.cluster.live_changes import LiveChanges
from subject.cluster.policies import Policies
from tests.unit.subject.builders import START, entry, policies, record


def test_a_live_override_goes_before_all() -> None:
    found = policies(clients={"acme": "50/s"}, overrides={"acme": "7/s"})

    assert found.applied_to("acme") == Policy("override", parse_limits("7/s"))


def test_a_client_without_anything_has_the_default() -> None:
    assert policies("100/m").applied_to("k_0123456789abcdef") == Policy("default", parse_limits("100/m"))


def test_a_clients_own_limit_goes_before_its_plans() -> None:
    table = PolicyTable(
        parse_limits("1/s"),
        "reject",
        "local",
        {"gold": parse_limits("1000/m")},
        {"acme": ClientPolicy("gold", parse_limits("5/s")), "beta": ClientPolicy("gold")},
    )

    assert Policies(table=table).applied_to("acme") == Policy("client", parse_limits("5/s"))
    assert Policies(table=table).applied_to("beta") == Policy("gold", parse_limits("1000/m"))


def test_without_a_table_only_overrides_are_known() -> None:
    live = policies(overrides={"acme": "7/s"}).overrides

    assert Policies(live).applied_to("acme") == Policy("override", parse_limits("7/s"))
    assert Policies(live).applied_to("beta") is None


SEARCH = Route("search", "/search", limit=parse_limits("2/s,9/d"))
WITH_ROUTES = policies("10/s,500/m", routes=(SEARCH, Route("heavy", "/heavy", cost=3)))


def test_a_client_has_all_windows_of_its_policy_and_where_asked_those_of_routes() -> None:
    without = WITH_ROUTES.windows_of("acme", with_routes=False)
    everything = WITH_ROUTES.windows_of("acme", with_routes=True)

    assert [(one.name, one.scope, str(one.limit)) for one in without] == [
        ("default/s", "client", "10/s"),
        ("default/m", "client", "500/m"),
    ]
    assert [(one.name, one.scope, str(one.limit)) for one in everything[2:]] == [
        ("route/search/s", "route/search", "2/s"),
        ("route/search/d", "route/search", "9/d"),
    ]


def test_without_a_table_a_client_has_the_windows_of_its_override() -> None:
    live = Policies(policies(overrides={"acme": "7/s"}).overrides)

    assert [one.name for one in live.windows_of("acme", with_routes=True)] == ["override"]
    assert live.windows_of("beta", with_routes=True) == []


def test_who_is_denied_is_known() -> None:
    assert policies(deny=("acme", "10.0.0.0/8")).is_denied("acme")
    assert not policies(deny=("acme",)).is_denied("beta")
    assert not Policies().is_denied("acme")


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


def test_the_table_is_as_old_as_on_the_node_that_has_had_it_longest() -> None:
    old, new = (policies(default).table for default in ("100/m", "200/m"))
    assert old is not None
    assert new is not None
    nodes = [
        (old, record("node-1", started_at=START - 90)),
        (new, record("node-2", started_at=START - 60, reloads=Reloads(1, 0, START - 40))),
        (new, record("node-3", started_at=START - 50, reloads=Reloads(0, 1, START - 30, "no such file"))),
        (new, record("node-4", started_at=START - 20)),
    ]
    roster = {last.node_id: entry(last, table.digest()) for table, last in nodes}

    found = Policies.published(LiveChanges(), START, roster, {new.digest(): new, old.digest(): old})

    assert (found.table, found.table_since) == (new, START - 50)


def test_a_change_that_cannot_be_read_is_one_too() -> None:
    live = parse_overrides({"limit:acme": "{", "generation:beta": "3"})

    assert [Policies(live).is_changed(name) for name in ("acme", "beta", "gamma")] == [True, True, False]
