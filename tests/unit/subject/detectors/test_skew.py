import pytest

from subject.detectors.skew import node_skew
from subject.finding import Finding, Target
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    cluster,
    record,
    snapshot,
    steps,
)


def nodes(*requests: Rate, **fields: object) -> list[NodeScript]:
    return [
        NodeScript(f"node-{place}", one, phase=place / 5, **fields)  # type: ignore[arg-type]  # those of the class
        for place, one in enumerate(requests, 1)
    ]


def found(*scripts: NodeScript, seconds: int) -> list[Finding]:
    return node_skew(cluster(*scripts, seconds=seconds), THRESHOLDS)


SKEWED = nodes(
    steps((0, 40), (60, 12)), steps((0, 40), (60, 96)), steps((0, 40), (60, 12)), cpu_seconds_per_second=0.71
)


def test_a_node_that_gets_most_of_the_traffic_is_named_since_it_does() -> None:
    (skew,) = found(*SKEWED, seconds=80)

    assert skew.subject == Target("node", "node-2")
    assert skew.since == START + 60
    assert skew.summary.startswith(
        "node-2 serves 80 % of the requests (96 of 120 a second; an even share is 40) since "
    )
    assert "the limits hold, since all nodes count together" in skew.summary
    assert "node-2's CPU is at 71 %" in skew.summary
    assert skew.verify_with == "subject nodes"


def test_from_its_beginning_the_shares_are_those_since_then() -> None:
    (skew,) = found(*SKEWED, seconds=67)

    share = next(item for item in skew.evidence if item.metric == "node_share")
    assert share.now == pytest.approx(0.8, abs=0.05)


def test_much_traffic_tells_soon_and_little_later() -> None:
    little = nodes(always(4), steps((0, 4), (60, 0)), steps((0, 4), (60, 1)))

    assert found(*SKEWED, seconds=65)
    assert not found(*little, seconds=65)
    assert found(*little, seconds=70)


def test_it_ends_when_the_shares_are_even_again() -> None:
    scripts = nodes(
        steps((0, 40), (30, 12), (60, 40)),
        steps((0, 40), (30, 96), (60, 40)),
        steps((0, 40), (30, 12), (60, 40)),
    )

    assert found(*scripts, seconds=60)
    assert not found(*scripts, seconds=75)


@pytest.mark.parametrize(("busy", "rest", "expected"), [(49, 26, False), (53, 24, True)])
def test_of_three_nodes_one_and_a_half_times_the_mean_is_the_border(
    busy: int, rest: int, expected: bool
) -> None:
    assert bool(found(*nodes(always(busy), always(rest), always(rest)), seconds=30)) is expected


@pytest.mark.parametrize(("busy", "rest", "expected"), [(74, 26, False), (77, 23, True)])
def test_of_two_nodes_three_quarters_are(busy: int, rest: int, expected: bool) -> None:
    assert bool(found(*nodes(always(busy), always(rest)), seconds=30)) is expected


def test_few_requests_prove_nothing() -> None:
    assert not found(*nodes(always(1), always(0), always(0)), seconds=30)


def test_one_node_is_never_skewed() -> None:
    assert not found(*nodes(always(100)), seconds=30)


def test_an_idle_cluster_is_not() -> None:
    assert not found(*nodes(always(0), always(0), always(0)), seconds=30)


def test_a_node_that_died_does_not_make_the_others_shares_odd() -> None:
    alive = [one for script in nodes(always(40), always(40)) for one in script.records(60)]
    dead = NodeScript("node-3", always(40)).records(50)

    for seconds in range(50, 60):
        at = START + seconds + 0.9
        assert not node_skew(snapshot([one for one in (*alive, *dead) if one.at <= at], at), THRESHOLDS)


def test_nor_does_one_that_has_just_come_back() -> None:
    alive = [
        one
        for script in nodes(steps((0, 60), (50, 40)), steps((0, 60), (50, 40)))
        for one in script.records(70)
    ]
    back = [
        *NodeScript("node-3", always(40)).records(20),
        *NodeScript("node-3", always(40), boot_id="b").records(70, first=50),
    ]

    for seconds in range(50, 70):
        at = START + seconds + 0.9
        assert not node_skew(snapshot([one for one in (*alive, *back) if one.at <= at], at), THRESHOLDS)


def test_a_node_without_history_is_not_judged() -> None:
    records = [one for script in nodes(always(40), always(40)) for one in script.records(30)]

    assert not node_skew(snapshot([*records, record("node-3", START + 30)]), THRESHOLDS)
