"""What nodes told before Redis' clock was set."""

from dataclasses import replace

import pytest

from gateway.contract.records import TelemetryRecord
from subject.cluster import samples, series
from subject.cluster.present_time import in_present_time, kept
from subject.cluster.series import requests
from tests.unit.subject.builders import START, NodeScript, always

STEPS = pytest.mark.parametrize("by", [-7200, -600, -10, -2, 2, 10, 90, 7200])


def moved(one: TelemetryRecord, by: float) -> TelemetryRecord:
    return replace(one, at=one.at + by, started_at=one.started_at + by)


def set_at(second: int, by: float, seconds: int = 90) -> list[TelemetryRecord]:
    """The records of a boot while Redis' clock is set by so many seconds."""
    return [
        moved(one, by) if one.at > START + second else one
        for one in NodeScript(requests=always(10)).records(seconds)
    ]


@STEPS
def test_what_was_before_redis_clock_was_set_is_told_in_its_present_time(by: int) -> None:
    found = samples.made_of(in_present_time(set_at(40, by)))

    assert series.per_second(found, requests, START + by, START + by + 90) == [10] * 90
    assert [sample.end for sample in found] == [START + by + second for second in range(1, 91)]


def test_a_node_that_was_told_a_wrong_time_for_a_moment_loses_no_count() -> None:
    records = set_at(40, by=3)
    records[43:] = NodeScript(requests=always(10)).records(90)[43:]

    found = samples.made_of(in_present_time(records))

    assert series.per_second(found, requests, START, START + 90) == [10] * 90


def test_records_that_are_lost_while_redis_clock_is_set_are_spread_over_the_time_that_was() -> None:
    records = set_at(40, by=90)
    del records[38:42]

    found = samples.made_of(in_present_time(records))

    assert series.per_second(found, requests, START + 90, START + 180) == [10] * 90


def test_where_redis_clock_was_not_set_the_records_are_as_they_were() -> None:
    records = [
        moved(one, 0.4 * (place % 2)) for place, one in enumerate(NodeScript(requests=always(10)).records(90))
    ]

    assert all(one is now for one, now in zip(records, in_present_time(records), strict=True))


@STEPS
def test_a_boot_that_had_ended_before_moves_with_the_next_one(by: int) -> None:
    first = NodeScript(boot_id="boot-a").records(20)
    second = NodeScript(boot_id="boot-b").records(40, first=25)
    told = [*first, *second[:5], *(moved(one, by) for one in second[5:])]

    assert in_present_time(told) == [moved(one, by) for one in (*first, *second)]


@STEPS
def test_a_boot_that_begins_after_redis_clock_was_set_moves_nothing(by: int) -> None:
    """Nobody knows how long the node was away."""
    records = [
        *NodeScript(boot_id="boot-a").records(20),
        *(moved(one, by) for one in NodeScript(boot_id="boot-b").records(40, first=25)),
    ]

    assert in_present_time(records) == records


@STEPS
def test_who_looks_again_while_redis_clock_is_set_sees_the_same(by: int) -> None:
    records, remembered, known = set_at(40, by), samples.Remembered(), list[TelemetryRecord]()

    for number in range(20, 90):
        known = kept([*known, records[number]], records[number].at, 40, by_redis=True)
        assert remembered(known) == samples.made_of(known)
