from dataclasses import replace

import pytest

from gateway.contract.records import StoreStatus
from subject.detectors.store_down import CONFIRMED, CONTRADICTED, UNCONFIRMED, store_down
from subject.finding import Finding
from tests.unit.subject.builders import (
    AWAY,
    START,
    THRESHOLDS,
    NodeScript,
    always,
    cluster,
    even,
    record,
    snapshot,
    steps,
)


def found(*nodes: NodeScript, seconds: int) -> list[Finding]:
    return store_down(cluster(*nodes, seconds=seconds), THRESHOLDS)


def test_no_node_that_decides_by_redis_is_a_store_down_though_it_answers_the_subject() -> None:
    (down,) = found(*even(always(60), fallbacks=steps((0, 0), (60, 20))), seconds=64)

    assert down.severity == "critical"
    assert down.since == pytest.approx(START + 60, abs=1)


def test_one_node_that_still_does_is_enough() -> None:
    nodes = even(always(60), fallbacks=always(20))

    assert not found(nodes[0], nodes[1], NodeScript("node-3", always(20)), seconds=30)


def test_an_idle_cluster_whose_nodes_are_connected_is_well() -> None:
    assert not found(*even(always(0)), seconds=30)


def test_an_idle_cluster_whose_nodes_are_not_connected_is_not() -> None:
    assert found(*even(always(0), connected=steps((0, 1), (20, 0))), seconds=30)


def test_a_late_reply_on_an_idle_cluster_is_no_outage() -> None:
    assert not found(
        NodeScript(requests=steps((0, 0), (29, 1)), fallbacks=steps((0, 0), (29, 1))), seconds=30
    )


@pytest.mark.parametrize(("fallbacks", "expected"), [(2, False), (3, True)])
def test_three_decisions_without_redis_are_an_outage(fallbacks: int, expected: bool) -> None:
    burst = steps((0, 0), (29, fallbacks))

    assert bool(found(NodeScript(requests=burst, fallbacks=burst), seconds=30)) is expected


def test_silent_nodes_that_answer_without_redis_are_a_store_down() -> None:
    records = [one for node in even(always(60)) for one in node.records(30)]
    answering = [record(f"node-{n}", START + 40, store=StoreStatus(False), sequence=99) for n in (1, 2, 3)]

    assert store_down(snapshot(records, START + 40, answering=answering), THRESHOLDS)


def test_redis_that_nobody_reaches_is_down_for_sure() -> None:
    answering = [record(f"node-{n}", START, store=StoreStatus(False)) for n in (1, 2, 3)]

    (down,) = store_down(snapshot([], START, answering=answering, redis=AWAY), THRESHOLDS)

    assert down.confidence == CONFIRMED


def test_redis_that_only_the_subject_does_not_reach_is_a_warning() -> None:
    answering = [record(f"node-{n}", START, store=StoreStatus(True, 10)) for n in (1, 2, 3)]

    (down,) = store_down(snapshot([], START, answering=answering, redis=AWAY), THRESHOLDS)

    assert (down.severity, down.confidence) == ("warning", CONTRADICTED)
    assert "the nodes still decide by it" in down.summary


def test_redis_that_refuses_the_subject_is_said_to() -> None:
    answering = [record(f"node-{n}", START, store=StoreStatus(True, 10)) for n in (1, 2)]
    refusing = replace(AWAY, problem="Authentication required", refuses=True)

    (down,) = store_down(snapshot([], START, answering=answering, redis=refusing), THRESHOLDS)

    assert down.summary == "Redis at 127.0.0.1:6379 refuses the subject; the nodes still decide by it"


def test_where_nobody_answers_nothing_is_said_of_the_store() -> None:
    assert not store_down(snapshot([record()], START + 9, redis=AWAY, asked=["node-1"]), THRESHOLDS)


def test_redis_that_some_nodes_reach_is_less_certain() -> None:
    answering = [
        record("node-1", START, store=StoreStatus(True, 10)),
        record("node-2", START, store=StoreStatus(False)),
    ]

    (down,) = store_down(snapshot([], START, answering=answering, redis=AWAY), THRESHOLDS)

    assert down.confidence == UNCONFIRMED
    assert "1 of 2 nodes decide without it" in down.summary


def test_a_redis_that_no_node_writes_to_though_nodes_decide_by_one_is_not_theirs() -> None:
    decides = record("node-1", START, started_at=START - 60)
    young = record("node-1", START, started_at=START - 1)

    (down,) = store_down(snapshot([], START, answering=[decides], asked=["node-1"]), THRESHOLDS)

    assert down.severity == "critical"
    assert "answers the subject, but the node that answers has not written to it" in down.summary
    assert not store_down(snapshot([], START, answering=[young], asked=["node-1"]), THRESHOLDS)
