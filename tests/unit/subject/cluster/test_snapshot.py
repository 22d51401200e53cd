from dataclasses import replace

import pytest

from gateway.contract.records import FORGET_AFTER_SECONDS, StoreStatus, Totals
from subject.cluster.snapshot import take
from tests.unit.subject.builders import AWAY, START, NodeScript, always, entry, even, record, snapshot, view


def states(found: object) -> dict[str, str]:
    return {node.id: node.state for node in found.nodes}  # type: ignore[attr-defined]  # a Snapshot


def test_a_node_that_writes_is_up() -> None:
    assert states(snapshot([record(at=START)], START + 2.4)) == {"node-1": "Up"}


def test_a_node_that_is_silent_is_down() -> None:
    assert states(snapshot([record(at=START)], START + 2.6)) == {"node-1": "Down"}


@pytest.mark.parametrize("later_seconds", [600, 86_400, 365 * 86_400])
def test_a_dead_node_stays_listed(later_seconds: float) -> None:
    alive = record("node-2", START + later_seconds)

    found = snapshot([record("node-1", START), alive], START + later_seconds)

    assert states(found) == {"node-1": "Down", "node-2": "Up"}


def test_a_node_that_left_in_order_is_offline_and_then_forgotten() -> None:
    last = record(at=START, leaving=True)

    assert states(snapshot([last], START + FORGET_AFTER_SECONDS - 1)) == {"node-1": "Offline"}
    assert states(snapshot([last], START + FORGET_AFTER_SECONDS + 1)) == {}


def test_a_node_that_came_back_after_leaving_is_up() -> None:
    left = record(at=START, leaving=True, boot_id="a")
    back = record(at=START + 5, boot_id="b", sequence=1)

    assert states(snapshot([left, back], START + 5)) == {"node-1": "Up"}


def test_a_silent_node_that_answers_is_not_down() -> None:
    answer = record(at=START + 9.5, store=StoreStatus(connected=False))

    found = snapshot([record(at=START)], START + 10, answering=[answer])

    assert states(found) == {"node-1": "Up"}
    assert found.node("node-1").last == answer


def test_with_redis_away_nodes_that_answer_are_up_and_the_others_down() -> None:
    records = [record("node-1", START), record("node-2", START)]
    answer = record("node-1", START + 1)

    found = snapshot(records, START + 1, redis=AWAY, answering=[answer], asked=["node-2"])

    assert states(found) == {"node-1": "Up", "node-2": "Down"}


def test_what_a_node_said_before_redis_clock_was_put_back_is_not_the_last_that_it_said() -> None:
    before = record(at=START + 600, sequence=40)
    now = record(at=START, sequence=41)

    found = take(replace(view([before, now], START + 1), roster={"node-1": entry(now)}), 2.5)

    assert found.node("node-1").last == now


def test_a_node_that_went_silent_before_redis_clock_was_put_back_is_down() -> None:
    assert states(snapshot([record(at=START + 600)], START + 1)) == {"node-1": "Down"}


def test_a_node_that_answers_with_a_clock_that_is_behind_hides_nothing_of_the_others() -> None:
    records = [one for script in even(always(30)) for one in script.records(60)]
    behind = record("node-3", START - 3600, sequence=99, store=StoreStatus(connected=False))

    found = snapshot(records, START + 60.5, redis=AWAY, answering=[behind])

    assert states(found)["node-3"] == "Up"
    assert found.until >= START + 59


def test_where_nobody_answers_states_stay_as_they_were_when_somebody_last_did() -> None:
    records = [record("node-1", START), record("node-2", START - 60)]

    found = snapshot(records, START + 500, redis=AWAY, asked=["node-1", "node-2"], seen_at=START + 1)

    assert states(found) == {"node-1": "Up", "node-2": "Down"}
    assert not found.sees


def test_totals_are_those_of_all_boots() -> None:
    last = record(boot=Totals(10, 6, 2, 1, 1), carried=Totals(100, 90, 10))

    assert snapshot([last]).node("node-1").totals == Totals(110, 96, 12, 1, 1)


def test_an_unknown_node_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="node-9"):
        snapshot([record()]).node("node-9")


def test_complete_seconds_are_those_that_all_nodes_that_are_up_have_reported() -> None:
    records = [one for script in even(always(30)) for one in script.records(10)]
    dead = NodeScript("node-4", phase=0.0).records(3)

    found = snapshot([*records, *dead], START + 10.9)

    assert found.until == START + 10
    assert found.cluster_seconds(lambda sample: sample.totals.requests)[1:] == pytest.approx([30] * 9)


def test_nodes_are_in_their_natural_order() -> None:
    found = snapshot([record("node-10"), record("node-9"), record("blue")])

    assert [node.id for node in found.nodes] == ["blue", "node-9", "node-10"]


def test_a_node_that_died_long_ago_in_its_first_second_does_not_stretch_the_series() -> None:
    look = view([record("node-1", START)], START)
    old = entry(record("node-2", START - 3e7, sequence=1))

    found = take(replace(look, roster={**look.roster, "node-2": old}), 2.5)

    assert found.node("node-2").state == "Down"
    assert found.until - found.first_second < 200


def test_an_empty_redis_has_no_nodes() -> None:
    assert take(view([]), 2.5).nodes == ()


def test_nodes_are_listed_by_the_numbers_in_their_ids_however_long() -> None:
    endless = "node-" + "1" * 5000

    found = snapshot([record(node_id) for node_id in (endless, "node-10", "node-2")])

    assert list(states(found)) == ["node-2", "node-10", endless]
