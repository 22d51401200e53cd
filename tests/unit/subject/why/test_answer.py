import random
from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import ClientPolicy
from gateway.contract.routes import Route
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot
from subject.cluster.windows import ClientWindow
from subject.why.answer import run_of, why
from tests.unit.subject.builders import AWAY, START, NodeScript, always, cluster, even, policies, steps

LIMITED = policies("100/m", {"acme": "50/s"}, {"acme": "7/s"})
FULL = ClientWindow("acme", "override", 7, 7, 1, START + 61.5)
ROOM = ClientWindow("acme", "override", 3, 7, 1)


def refused(
    of: Policies = LIMITED, windows: tuple[ClientWindow, ...] = (FULL,), **fields: object
) -> Snapshot:
    """acme is refused at two of three nodes since second 40."""
    nodes = [
        NodeScript(
            f"node-{n}",
            always(20),
            refused=steps((0, 0), (40, rate)) if rate else always(0),
            clients={"acme": always(9)},
            refused_clients={"acme": steps((0, 0), (40, rate))},
        )
        for n, rate in ((1, 4), (2, 2), (3, 0))
    ]
    return cluster(*nodes, seconds=60, policies=of, windows=windows, **fields)


def test_a_refused_client_is_told_by_what_where_since_when_and_until_when() -> None:
    answer = why(refused(), "acme")

    assert answer.verdict == "refused"
    assert answer.summary == "acme is being refused: 6.0 of its 27 requests a second, by override (7 of 7)"
    assert answer.next_at == START + 61.5
    assert answer.run is not None
    assert (answer.run.since, answer.run.refused, answer.run.is_whole) == (START + 40, 120, True)
    assert [(node.node, node.rate, node.refused_rate) for node in answer.nodes] == [
        ("node-1", 9, 4),
        ("node-2", 9, 2),
        ("node-3", 9, 0),
    ]


def test_where_its_limit_comes_from_is_told_with_what_would_apply_without_it() -> None:
    answer = why(refused(), "acme")

    assert [(origin.name, str(origin.limit), origin.applies) for origin in answer.origins] == [
        ("override", "7/s", True),
        ("client", "50/s", False),
        ("default", "100/m", False),
    ]
    assert "set live by tester" in answer.origins[0].where


def test_a_plan_is_an_origin() -> None:
    of = policies("100/m")
    assert of.table is not None
    table = replace(of.table, plans={"gold": parse_limits("9/s")}, clients={"acme": ClientPolicy("gold")})
    answer = why(refused(replace(of, table=table)), "acme")

    assert [(origin.name, origin.applies) for origin in answer.origins] == [
        ("gold", True),
        ("default", False),
    ]


def test_a_client_with_room_is_not_refused() -> None:
    found = cluster(
        *even(always(60), clients={"acme": always(3)}), seconds=60, policies=LIMITED, windows=(ROOM,)
    )
    answer = why(found, "acme")

    assert (answer.verdict, answer.next_at, answer.run) == ("admitted", None, None)
    assert answer.summary.startswith("acme is not being refused: 9.0 requests a second")


def test_one_that_was_refused_and_has_room_now_is_not_said_to_be_refused() -> None:
    answer = why(refused(windows=(ROOM,)), "acme")

    assert (answer.verdict, answer.next_at) == ("lately", None)
    assert answer.summary == "acme was refused lately, and each of its windows has room now"
    assert answer.run is not None
    assert answer.run.until == START + 60


def test_refusals_went_on_until_the_record_that_has_the_last_and_no_longer() -> None:
    nodes = [
        NodeScript(
            f"node-{n}",
            always(20),
            phase=0.25 * n,
            clients={"acme": always(9)},
            refused_clients={"acme": steps((0, 0), (40, 2), (until, 0))},
        )
        for n, until in ((1, 50), (2, 45))
    ]
    answer = why(cluster(*nodes, seconds=55, policies=LIMITED, windows=(ROOM,)), "acme")

    assert answer.run is not None
    assert (answer.run.since, answer.run.until) == (START + 40, START + 50.25)


def test_one_that_would_be_refused_is_told_before_it_asks() -> None:
    found = cluster(*even(always(60)), seconds=60, policies=LIMITED, windows=(FULL,))

    assert why(found, "acme").verdict == "full"
    assert any("No node lists it" in note for note in why(found, "acme").notes)


@pytest.mark.parametrize("entry", ["203.0.113.7", "203.0.113.0/24"])
def test_an_address_on_a_list_is_told_so_also_by_its_network(entry: str) -> None:
    denied = cluster(*even(always(60)), seconds=20, policies=policies(deny=(entry,)))
    allowed = cluster(*even(always(60)), seconds=20, policies=policies(allow=(entry,)))

    assert why(denied, "203.0.113.7").verdict == "denied"
    assert why(allowed, "203.0.113.7").verdict == "allowed"
    assert why(allowed, "203.0.114.7").verdict == "admitted"
    assert why(allowed, "2001:db8::/64").verdict == "admitted"


def test_a_route_that_is_used_up_is_named_and_no_end_of_all_requests() -> None:
    of = policies("100/m", routes=(Route("search", "/s", limit=parse_limits("5/s")),))
    windows = (
        ClientWindow("acme", "default", 3, 100, 60),
        ClientWindow("acme", "route/search", 5, 5, 1, START + 60.5),
    )
    answer = why(refused(of, windows), "acme")

    assert answer.summary.endswith("by route/search (5 of 5)")
    assert answer.next_at is None


def test_a_policy_in_shadow_refuses_nobody() -> None:
    found = cluster(
        *even(always(60)),
        seconds=20,
        policies=policies(shadow=True),
        windows=(ClientWindow("acme", "default", 100, 100, 60, START + 61.0),),
    )

    assert (why(found, "acme").verdict, why(found, "acme").next_at) == ("shadow", None)


def test_with_redis_away_nodes_tell_whether_it_is_refused_and_nobody_knows_the_limit() -> None:
    answer = why(refused(redis=AWAY, asked=()), "acme")

    assert answer.verdict == "refused"
    assert answer.windows == ()
    quiet = cluster(*even(always(60)), seconds=20, redis=AWAY, policies=LIMITED)
    assert why(quiet, "acme").verdict == "unknown"


def test_a_node_that_enforces_another_limit_is_named() -> None:
    of = policies("100/m")
    assert of.table is not None
    other = replace(of.table, default=parse_limits("9/m"))
    both = replace(of, tables={"0" * 16: of.table, "1" * 16: other})
    found = cluster(*even(always(60)), seconds=20, policies=both, digests={"node-2": "1" * 16})
    answer = why(found, "acme")

    assert [node.limit for node in answer.nodes] == [None, parse_limits("9/m"), None]
    assert any("node-2 enforces another limit: 9/m" in note for note in answer.notes)


def test_refusals_with_short_pauses_are_one_run_and_an_old_one_is_over() -> None:
    row = [0.0] * 100
    for second in (20, 30, 44, 58, 70):
        row[second] = 2.0

    assert run_of(row[:30], START) is not None
    (found,) = [run_of(row[:75], START)]
    assert found is not None
    assert (found.since, found.refused, found.is_whole) == (START + 20, 10, True)
    assert run_of(row, START) is None
    assert run_of([1.0] * 30, START) is not None
    assert not run_of([1.0] * 30, START).is_whole  # type: ignore[union-attr] # it is there


def test_a_run_begins_behind_each_longer_pause() -> None:
    generator = random.Random(1)
    for _ in range(200):
        row = [float(generator.random() < 0.1) for _ in range(120)] + [1.0]
        found = run_of(row, 0)
        assert found is not None
        start = int(found.since)
        assert row[start] == 1.0
        assert sum(row[max(0, start - 15) : start]) == 0 or start == 0
