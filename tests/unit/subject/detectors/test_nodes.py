from dataclasses import replace

from gateway.contract.records import StoreStatus
from subject.cluster.snapshot import take
from subject.detectors.nodes import node_down
from subject.finding import CLUSTER, Target
from tests.unit.subject.builders import AWAY, START, THRESHOLDS, record, snapshot, view

ALIVE = record("node-1", START + 10)
SILENT = record("node-2", START, in_flight=7)


def test_a_silent_node_is_down_since_it_was_last_heard_of() -> None:
    (down,) = node_down(snapshot([ALIVE, SILENT], START + 10), THRESHOLDS)

    assert (down.code, down.severity, down.since) == ("node_down", "critical", START)
    assert down.subject == Target("node", "node-2")
    assert down.suggested_action == "subject nodes"


def test_a_node_that_does_not_answer_either_is_down_more_surely() -> None:
    (unasked,) = node_down(snapshot([ALIVE, SILENT], START + 10), THRESHOLDS)
    (asked,) = node_down(snapshot([ALIVE, SILENT], START + 10, asked=["node-2"]), THRESHOLDS)

    assert asked.confidence > unasked.confidence
    assert "does not answer at 127.0.0.1:1002" in asked.summary


def test_a_node_that_answers_without_redis_is_not_down() -> None:
    answer = record("node-2", START + 10, store=StoreStatus(False))

    assert not node_down(snapshot([ALIVE, SILENT], START + 10, answering=[answer]), THRESHOLDS)


def test_a_node_that_left_is_not_down() -> None:
    assert not node_down(snapshot([ALIVE, record("node-2", START, leaving=True)], START + 10), THRESHOLDS)


def test_all_nodes_silent_at_once_is_less_certain() -> None:
    (one, two) = node_down(snapshot([record("node-1", START), SILENT], START + 60), THRESHOLDS)

    assert one.confidence == two.confidence < 0.6


def test_a_node_that_left_in_order_is_not_missed() -> None:
    left = record("node-1", START, leaving=True)

    (down,) = node_down(snapshot([left, SILENT], START + 10), THRESHOLDS)

    assert [(item.baseline, item.now) for item in down.evidence if item.metric == "nodes_up"] == [(1, 0)]


def test_where_nobody_answers_no_node_is_called_down() -> None:
    assert not node_down(snapshot([SILENT], START + 60, redis=AWAY, asked=["node-2"]), THRESHOLDS)


def test_an_address_that_does_not_answer_is_a_node_that_is_down() -> None:
    look = replace(view([], START, redis=AWAY, answering=[ALIVE]), unanswered=("10.0.0.9:9080",))

    (down,) = node_down(take(look, 2.5), THRESHOLDS)

    assert down.subject == Target("node", "10.0.0.9:9080")


def test_many_that_cannot_be_read_are_one_finding() -> None:
    names = tuple(f"other-{number}" for number in range(21))
    some = take(replace(view([ALIVE]), unread_nodes=names[:20]), THRESHOLDS.node_down_seconds)
    many = take(replace(view([ALIVE]), unread_nodes=names), THRESHOLDS.node_down_seconds)
    (found,) = node_down(many, THRESHOLDS)

    assert len(node_down(some, THRESHOLDS)) == 20
    assert found.subject == CLUSTER
    assert found.summary.startswith("21 nodes count as down, other-0 among them")
