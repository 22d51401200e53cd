from dataclasses import replace

from subject.cluster.snapshot import take
from subject.detectors.observer import observer_blind
from tests.unit.subject.builders import AWAY, START, THRESHOLDS, record, snapshot, view


def test_neither_redis_nor_a_node_that_answers_is_blindness() -> None:
    (blind,) = observer_blind(
        snapshot([record()], START + 60, redis=AWAY, asked=["node-1"], seen_at=START), THRESHOLDS
    )

    assert (blind.code, blind.severity, blind.since) == ("observer_blind", "critical", START)


def test_without_a_node_to_ask_it_says_where_one_would_be() -> None:
    (blind,) = observer_blind(snapshot([], redis=AWAY), THRESHOLDS)

    assert blind.suggested_action == "SUBJECT_NODES=127.0.0.1:9080 subject nodes"
    assert next(item.baseline for item in blind.evidence if item.metric == "nodes_that_answer") is None


def test_a_redis_that_refuses_is_said_to() -> None:
    refusing = replace(AWAY, problem="no such thing", refuses=True)

    (blind,) = observer_blind(snapshot([], redis=refusing), THRESHOLDS)

    assert "Redis at 127.0.0.1:6379 refuses the subject" in blind.summary


def test_addresses_that_do_not_answer_count_as_asked() -> None:
    look = replace(view([], redis=AWAY), unanswered=("a:1", "b:2"))

    (blind,) = observer_blind(take(look, 2.5), THRESHOLDS)

    assert "(2 asked)" in blind.summary


def test_a_redis_that_no_node_has_written_to_is_not_called_healthy() -> None:
    (blind,) = observer_blind(snapshot([]), THRESHOLDS)

    assert "no node has written to it" in blind.summary


def test_one_node_that_answers_is_enough_to_see() -> None:
    assert not observer_blind(snapshot([], START, redis=AWAY, answering=[record()]), THRESHOLDS)


def test_redis_with_nodes_that_are_all_down_can_be_seen() -> None:
    assert not observer_blind(snapshot([record()], START + 60), THRESHOLDS)
