import pytest

from subject.detectors.fallback import fallback_active
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    cluster,
    even,
    policies,
    snapshot,
    steps,
)

MANY = always(200)


def found(fallbacks: Rate, seconds: int = 60, requests: Rate = MANY) -> list[Finding]:
    nodes = [NodeScript("node-1", requests, fallbacks=fallbacks), NodeScript("node-2", requests)]
    return fallback_active(cluster(*nodes, seconds=seconds, policies=policies()), THRESHOLDS)


def test_a_node_that_decides_without_redis_is_named_since_it_does() -> None:
    (fallback,) = found(steps((0, 0), (50, 20)))

    assert fallback.subject == Target("node", "node-1")
    assert fallback.since == START + 50
    assert "10 % of its decisions" in fallback.summary
    assert "by its own share of each limit" in fallback.summary


@pytest.mark.parametrize(("fallbacks", "expected"), [(2, False), (3, True)])
def test_one_percent_is_the_border(fallbacks: int, expected: bool) -> None:
    assert bool(found(always(fallbacks))) is expected


def test_one_second_with_late_replies_is_no_state_of_affairs() -> None:
    assert not any(found(steps((0, 0), (50, 20), (51, 0)), seconds) for seconds in range(50, 56))


def test_few_requests_before_a_gap_in_the_records_are_no_finding() -> None:
    requests = steps((0, 0), (50, 6), (51, 0))
    node = NodeScript("node-1", requests, fallbacks=requests)
    records = node.records(60, lost=range(50, 59))

    assert not fallback_active(snapshot(records), THRESHOLDS)


def test_few_decisions_are_little_evidence() -> None:
    (few,) = found(always(2), requests=always(2))
    (many,) = found(always(60), requests=always(60))

    assert few.confidence <= 0.8 < 0.95 < many.confidence
    assert "(2.0 of 2.0 a second)" in few.summary
    assert [item.now for item in few.evidence] == [1.0, 6, 0]


def test_it_ends_with_the_fallbacks() -> None:
    assert not found(steps((0, 0), (30, 100), (50, 0)), 54)


def test_an_idle_node_does_not_fall_back() -> None:
    assert not found(always(0), requests=always(0))


def test_all_nodes_are_one_finding() -> None:
    nodes = even(always(60), fallbacks=always(20))

    (fallback,) = fallback_active(cluster(*nodes, seconds=30), THRESHOLDS)

    assert fallback.subject == CLUSTER
    assert fallback.summary.startswith(
        "All 3 nodes make 100 % of their decisions without Redis (60 of 60 a second)"
    )
