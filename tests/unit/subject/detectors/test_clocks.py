from dataclasses import replace

import pytest

from gateway.contract.records import TelemetryRecord
from subject.cluster.present_time import in_present_time
from subject.detectors.clocks import SETTLED_SECONDS, clock_skew
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import START, THRESHOLDS, always, even, record, snapshot


def found(**skews: float) -> list[Finding]:
    """Of nodes whose clocks are off by so much from the fifth second on, in the tenth."""
    records = [
        record(
            name.replace("_", "-"),
            START + second,
            sequence=second,
            clock_skew_seconds=skew if second >= 5 else 0.001,
        )
        for name, skew in skews.items()
        for second in range(1, 11)
    ]
    return clock_skew(snapshot(records), THRESHOLDS)


def test_a_node_whose_clock_is_off_is_named_since_it_is() -> None:
    (skew,) = found(node_1=0.2, node_2=-4.5)

    assert skew.subject == Target("node", "node-2")
    assert skew.since == START + 5
    assert "4.5 s behind Redis'" in skew.summary


def test_a_second_is_the_border() -> None:
    assert found(node_1=0.99, node_2=-1.0) == []
    assert len(found(node_1=1.01, node_2=0.0)) == 1


def test_nodes_that_agree_with_each_other_and_not_with_redis_tell_of_its_clock() -> None:
    (skew,) = found(node_1=30.1, node_2=30.2, node_3=29.9)

    assert skew.subject == CLUSTER


def test_nodes_that_are_off_differently_are_each_told() -> None:
    assert [one.subject.id for one in found(node_1=30.0, node_2=-5.0)] == ["node-1", "node-2"]


def test_one_node_alone_cannot_tell_whose_clock_it_is() -> None:
    assert [one.subject.kind for one in found(node_1=30.0)] == ["node"]


def while_redis_clock_is_set(by: float, learned: dict[str, float], seconds: int) -> list[TelemetryRecord]:
    """What nodes write: each in the new time from when it has learned."""
    return [
        replace(one, at=one.at + by, started_at=one.started_at + by, clock_skew_seconds=-by)
        if one.at >= START + learned[one.node_id]
        else one
        for script in even(always(30))
        for one in script.records(seconds)
    ]


@pytest.mark.parametrize("by", [-2, -1.5, 1.5, 2])
def test_nobody_is_named_alone_while_nodes_learn_one_by_one_that_redis_clock_was_set(by: float) -> None:
    learned = {"node-1": 52.0, "node-2": 51.0, "node-3": 53.0}
    for seconds in range(49, 60):
        told = in_present_time(while_redis_clock_is_set(by, learned, seconds))
        found = [one.subject for one in clock_skew(snapshot(told), THRESHOLDS)]
        assert found == ([CLUSTER] if seconds >= 53 else [])


def test_the_clock_of_a_node_that_was_set_is_the_nodes_once_it_has_settled() -> None:
    def at(seconds: int) -> list[str]:
        records = [
            replace(one, clock_skew_seconds=2.0) if one.node_id == "node-2" and one.at > START + 50 else one
            for script in even(always(30))
            for one in script.records(seconds)
        ]
        return [one.subject.id for one in clock_skew(snapshot(records), THRESHOLDS)]

    settled = 51 + int(SETTLED_SECONDS)
    assert [at(seconds) for seconds in (51, settled - 2, settled + 1)] == [[], [], ["node-2"]]


def test_the_clock_of_a_node_that_is_alone_is_the_nodes_at_once_whoever_was_set() -> None:
    records = while_redis_clock_is_set(90, {f"node-{n}": 50 for n in (1, 2, 3)}, 51)
    alone = in_present_time([one for one in records if one.node_id == "node-1"])

    assert [one.subject.id for one in clock_skew(snapshot(alone), THRESHOLDS)] == ["node-1"]
