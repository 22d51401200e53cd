from collections.abc import Iterable
from dataclasses import replace

import pytest

from gateway.contract.records import TelemetryRecord
from subject.cluster.present_time import in_present_time
from subject.detectors.boots import node_flapping, node_id_conflict
from subject.finding import Finding, Target
from tests.unit.subject.builders import START, THRESHOLDS, NodeScript, always, snapshot
from tests.unit.subject.scenes import lives

OTHER = NodeScript("node-1", always(20), phase=0.3)


def flapping(records: Iterable[TelemetryRecord], seconds: int = 100) -> list[Finding]:
    return node_flapping(snapshot([*records, *OTHER.records(seconds)]), THRESHOLDS)


def test_three_starts_in_a_minute_are_told_since_the_first() -> None:
    (found,) = flapping(lives("node-2", (0, 60), (65, 75), (78, 84), (88, 100)))

    assert found.subject == Target("node", "node-2")
    assert found.since == START + 66
    assert [(item.metric, item.now) for item in found.evidence] == [
        ("changes", 3),
        ("boots", 3),
        ("silences", 0),
    ]
    assert "started 3 times" in found.summary


def test_one_restart_or_two_are_none() -> None:
    assert flapping(lives("node-2", (0, 60), (65, 75), (78, 100))) == []


def test_a_start_that_takes_long_is_one_change_and_no_silence() -> None:
    lived = lives("node-2", (0, 60), (65, 75), (78, 100))
    second = next(one for one in lived if one.boot_id == "boot-1")
    lived[lived.index(second)] = replace(second, started_at=second.at - 4)
    assert flapping(lived) == []


@pytest.mark.parametrize("by", [-600, -50, -10, -2, 2, 10, 90])
def test_a_node_that_was_started_again_just_before_redis_clock_was_set_is_one_node(by: float) -> None:
    for seconds in range(101, 112, 2):
        told = [
            replace(one, at=one.at + by, started_at=one.started_at + by) if one.at > START + 100 else one
            for one in (*lives("node-2", (0, 60), (85, seconds)), *OTHER.records(seconds))
        ]
        found = snapshot(in_present_time(told), START + seconds + by + 0.5)

        assert node_id_conflict(found, THRESHOLDS) == []
        assert node_flapping(found, THRESHOLDS) == []


def test_a_rolling_restart_is_none() -> None:
    nodes = [lives(f"node-{n}", (0, 50 + 5 * n), (53 + 5 * n, 100)) for n in (2, 3, 4)]

    assert flapping([one for node in nodes for one in node]) == []


def deployed(node_id: str, *spans: tuple[int, int]) -> list[TelemetryRecord]:
    """A node that leaves in order at the end of each of its lives, but the last one."""
    lived = lives(node_id, *spans)
    ends = {f"boot-{number}": START + end for number, (_, end) in enumerate(spans[:-1])}
    return [replace(one, leaving=ends.get(one.boot_id) == one.at) for one in lived]


def test_a_clusters_start_and_two_rolling_restarts_are_none() -> None:
    starts = {n: (5, 5 + 15 + 4 * n, 5 + 34 + 4 * n) for n in (2, 3, 4)}
    for seconds in range(8, 90):
        records = [
            one
            for n, (first, second, third) in starts.items()
            for one in deployed(
                f"node-{n}", (first, second - 2), (second, third - 2), (third, max(third, seconds))
            )
            if one.at <= START + seconds
        ]
        assert node_flapping(snapshot(records, START + seconds), THRESHOLDS) == []


def test_a_node_that_alone_is_started_in_order_again_and_again_flaps() -> None:
    (found,) = flapping(deployed("node-2", (0, 60), (62, 72), (74, 84), (86, 100)))

    assert found.evidence[0].now == 3


def test_starts_of_the_only_node_in_order_are_somebodys_doing() -> None:
    lived = deployed("node-2", (0, 60), (62, 72), (74, 84), (86, 100))

    assert node_flapping(snapshot(lived), THRESHOLDS) == []
    assert node_flapping(snapshot(lives("node-2", (0, 60), (65, 75), (78, 84), (88, 100))), THRESHOLDS) != []


def test_a_new_node_that_crashes_at_once_flaps_while_others_go_on() -> None:
    (found,) = flapping(lives("node-2", (70, 75), (78, 84), (88, 100)))

    assert found.since == START + 71


def test_a_node_that_is_silent_again_and_again_while_others_write_flaps() -> None:
    silent = {*range(50, 55), *range(65, 70), *range(80, 85)}
    (found,) = flapping(NodeScript("node-2", always(20)).records(100, lost=silent))

    assert "silent 3 times" in found.summary


@pytest.mark.parametrize("phase", [0.0, 0.4, 0.9])
def test_when_all_are_silent_it_is_not_the_nodes(phase: float) -> None:
    silent = {*range(50, 55), *range(65, 70), *range(80, 85)}
    nodes = [NodeScript("node-1", always(9)), NodeScript("node-2", always(9), phase=phase)]
    records = [one for node in nodes for one in node.records(100, lost=silent)]

    assert node_flapping(snapshot(records), THRESHOLDS) == []


@pytest.mark.parametrize("late", [0.0, 0.7, 1.4])
def test_when_all_stand_still_and_one_goes_on_a_moment_later_it_is_not_the_nodes(late: float) -> None:
    still = [range(50, 58), range(65, 75), range(80, 90)]
    silent = {second for seconds in still for second in seconds}
    nodes = [NodeScript("node-1", always(9)), NodeScript("node-2", always(9), phase=0.4)]
    goes_on = {START + seconds.stop + 1.4 for seconds in still}
    records = [
        replace(one, at=one.at + late) if round(one.at, 1) in goes_on else one
        for node in nodes
        for one in node.records(100, lost=silent)
    ]

    assert node_flapping(snapshot(records), THRESHOLDS) == []


def test_it_is_over_a_minute_after() -> None:
    assert flapping(lives("node-2", (0, 20), (25, 30), (33, 36), (38, 100)), seconds=100) == []


def test_two_that_write_under_one_id_are_told_since_the_second_does() -> None:
    (found,) = node_id_conflict(snapshot(lives("node-2", (0, 60), (40, 60))), THRESHOLDS)

    assert found.subject == Target("node", "node-2")
    assert found.since == START + 41
    assert found.evidence[0].now == 2


def test_after_a_restart_the_older_writes_no_more() -> None:
    assert node_id_conflict(snapshot(lives("node-2", (0, 50), (50, 60))), THRESHOLDS) == []
    assert node_id_conflict(snapshot(lives("node-2", (0, 51), (50, 60))), THRESHOLDS) == []


def test_a_conflict_is_over_when_one_has_gone() -> None:
    assert node_id_conflict(snapshot(lives("node-2", (0, 50), (40, 60))), THRESHOLDS) == []


def test_two_under_one_id_do_not_flap() -> None:
    assert flapping(lives("node-2", (0, 100), (50, 60), (65, 75), (80, 100))) == []
