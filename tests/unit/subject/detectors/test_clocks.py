from subject.detectors.clocks import clock_skew
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import START, THRESHOLDS, record, snapshot


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
