import random
from dataclasses import replace

import pytest

from gateway.contract.records import TelemetryRecord
from subject.cluster.present_time import kept
from subject.detectors.drop import traffic_drop
from subject.finding import CLUSTER, Finding, Target
from tests.unit.subject.builders import (
    START,
    THRESHOLDS,
    NodeScript,
    Rate,
    always,
    cluster,
    even,
    poisson,
    snapshot,
    steps,
)
from tests.unit.subject.lasting import seen


def found(requests: Rate, seconds: int) -> list[Finding]:
    return traffic_drop(cluster(*even(requests), seconds=seconds), THRESHOLDS)


@pytest.mark.parametrize("rest", [0, 10])
def test_a_drop_is_found_since_it_began(rest: int) -> None:
    (drop,) = found(steps((0, 60), (60, rest)), 67)

    assert drop.subject == CLUSTER
    assert drop.since == pytest.approx(START + 60, abs=1)
    assert drop.evidence[0].baseline == 60


@pytest.mark.parametrize(("rest", "expected"), [(9, True), (15, False)])
def test_a_fifth_is_the_border(rest: int, expected: bool) -> None:
    assert bool(found(steps((0, 60), (60, rest)), 70)) is expected


def test_it_takes_five_seconds_in_a_row() -> None:
    assert not found(steps((0, 60), (60, 0)), 64)
    assert not found(lambda second: 0 if 60 <= second < 64 else 60, 66)


def test_it_is_over_when_the_traffic_is_back_or_nothing_is_usual_any_more() -> None:
    assert found(steps((0, 60), (60, 0), (80, 60)), 83) == []
    assert found(steps((0, 60), (60, 0)), 185) == []


def test_below_five_a_second_nothing_is_told() -> None:
    assert found(steps((0, 4), (60, 0)), 70) == []


@pytest.mark.no_cover  # as for test_false_alarms.py
@pytest.mark.parametrize("every", [3, 7, 10])
def test_what_comes_in_bursts_has_pauses(every: int) -> None:
    def bursts(second: int) -> int:
        return 90 if second % every == 0 else 0

    assert not any(found(bursts, seconds) for seconds in range(100, 120))


@pytest.mark.parametrize(("refused", "expected"), [(59, False), (54, False), (40, True)])
def test_where_what_stops_was_refused_it_is_none(refused: int, expected: bool) -> None:
    storm = NodeScript(requests=steps((0, 60), (60, 2)), refused=steps((0, refused), (60, 0)))

    assert bool(traffic_drop(cluster(storm, seconds=70), THRESHOLDS)) is expected


@pytest.mark.parametrize(("refused", "expected"), [(59, False), (0, True)])
def test_so_it_is_where_only_the_history_knows_what_came_before(refused: int, expected: bool) -> None:
    storm = NodeScript(requests=steps((0, 60), (400, 1)), refused=steps((0, refused), (400, 0)))

    assert bool(traffic_drop(seen(storm.records(560), 560), THRESHOLDS)) is expected


def test_the_end_of_a_spike_is_none() -> None:
    assert not any(found(steps((0, 60), (60, 600), (90, 60)), seconds) for seconds in range(88, 110, 3))


def test_random_traffic_of_five_a_second_drops_never() -> None:
    generator = random.Random(5)
    nodes = [NodeScript(f"node-{n}", poisson(generator, 2), phase=n / 4) for n in (1, 2, 3)]

    assert not any(
        traffic_drop(cluster(*nodes, seconds=seconds), THRESHOLDS) for seconds in range(30, 125, 5)
    )


def test_a_node_that_others_get_the_traffic_of_is_named() -> None:
    nodes = [
        NodeScript("node-1", steps((0, 20), (60, 30)), phase=0.1),
        NodeScript("node-2", steps((0, 20), (60, 0)), phase=0.4),
        NodeScript("node-3", steps((0, 20), (60, 30)), phase=0.7),
    ]
    (drop,) = traffic_drop(cluster(*nodes, seconds=70), THRESHOLDS)

    assert (drop.subject, drop.since) == (Target("node", "node-2"), START + 61)


def test_a_node_that_was_just_started_has_time_to_get_its_share() -> None:
    before = NodeScript("node-2", always(20)).records(60)
    after = NodeScript("node-2", always(0), boot_id="boot-b").records(75, 63)
    others = [one for n in (1, 3) for one in NodeScript(f"node-{n}", always(25), phase=n / 4).records(75)]

    assert traffic_drop(snapshot([*before, *after, *others]), THRESHOLDS) == []


def test_a_node_that_is_down_is_no_drop_of_its_own() -> None:
    before = NodeScript("node-2", always(20)).records(60)
    others = [one for n in (1, 3) for one in NodeScript(f"node-{n}", always(25), phase=n / 4).records(75)]

    assert traffic_drop(snapshot([*before, *others]), THRESHOLDS) == []


def while_redis_clock_is_set(by: float, apart: float, seconds: int) -> list[TelemetryRecord]:
    """Of six nodes, which learn of it one after the other."""
    return [
        replace(one, at=one.at + by, started_at=one.started_at + by)
        if one.at >= START + 40 + apart * number
        else one
        for number, script in enumerate(even(always(60), nodes=6))
        for one in script.records(seconds)
    ]


@pytest.mark.no_cover  # as for test_false_alarms.py
@pytest.mark.parametrize("apart", [0.0, 2.0])
@pytest.mark.parametrize("by", [-7200, -600, -10, -2, 2, 10, 90, 7200])
def test_a_clock_of_redis_that_is_set_is_none(by: float, apart: float) -> None:
    """Nodes that have not learned of it are asked, since they seem to be silent."""
    for seconds in range(39, 72, 3):
        now = START + seconds + 0.9 + (by if seconds >= 40 else 0)
        records = while_redis_clock_is_set(by, apart, seconds)
        last = {one.node_id: one for one in sorted(records, key=lambda one: one.sequence)}
        answers = [
            replace(one, at=now, started_at=one.started_at + by)
            for one in last.values()
            if abs(now - one.at) > THRESHOLDS.node_down_seconds
        ]
        late = kept([*records, *answers], now, THRESHOLDS.baseline_seconds, by_redis=True)
        found = snapshot(late, now, answering=answers)

        assert all(node.is_up for node in found.nodes)
        assert traffic_drop(found, THRESHOLDS) == []
