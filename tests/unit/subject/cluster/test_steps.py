from dataclasses import replace

import pytest

from gateway.contract.records import HISTORY_STREAM, TelemetryRecord, Totals
from gateway.contract.sketches import bucket
from subject.cluster.steps import Step, Steps
from tests.unit.subject.builders import START, NodeScript, always, record, steps

FIRST = record("node-1", START, boot=Totals(10), new_clients=5)


def test_a_node_that_has_long_been_silent_is_forgotten() -> None:
    steps = Steps()
    steps.add([FIRST])
    steps.kept(START + 1000, START + 2000)
    steps.add([replace(FIRST, at=START + 2000, sequence=2000, boot=Totals(20))])

    assert steps.kept(0, START + 4000) == ()


def test_counts_that_went_back_are_none() -> None:
    steps = Steps()
    steps.add([FIRST, replace(FIRST, at=START + 10, sequence=12, new_clients=-(2**62))])

    assert steps.kept(0, START + 4000) == ()


def of_history(*scripts: NodeScript, seconds: int, first: int = 0) -> list[TelemetryRecord]:
    records = [one for script in scripts for one in script.records(seconds, first)]
    return sorted((one for one in records if HISTORY_STREAM.includes(one.sequence)), key=lambda one: one.at)


def made(records: list[TelemetryRecord]) -> tuple[Step, ...]:
    found = Steps()
    found.add(records)
    return found.kept(0, START + 4000)


def test_no_time_counts_twice_where_redis_clock_was_put_back() -> None:
    told = of_history(
        NodeScript("node-1", always(20)), NodeScript("node-2", always(10), phase=0.4), seconds=200
    )
    records = [
        replace(one, at=one.at - 50, started_at=one.started_at - 50) if one.at > START + 105 else one
        for one in told
    ]

    found = {one.start - START: one.requests for one in made(records)}

    assert [found[start] for start in range(0, 140, 10)] == pytest.approx([300] * 14, abs=5)


SLOW = NodeScript(
    "node-1", always(20), upstream_errors=steps((0, 0), (100, 2)), round_trip_ms=steps((0, 1), (100, 30))
)
QUICK = NodeScript("node-2", always(10), phase=0.4)


def test_a_step_has_what_each_node_did_in_it() -> None:
    found = made(of_history(SLOW, QUICK, seconds=200))

    before, after = (next(one for one in found if one.start == START + at) for at in (50, 150))
    assert before.requests_by_node == pytest.approx({"node-1": 200, "node-2": 100})
    assert [one.latencies["node-1"].store_latency.buckets for one in (before, after)] == [
        ((bucket(0.001), 200),),
        ((bucket(0.030), 200),),
    ]
    assert [one.latencies["node-2"].store_latency.buckets for one in (before, after)] == [
        ((bucket(0.001), 100),),
        ((bucket(0.001), 100),),
    ]
    assert [(one.latencies["node-1"].asked, one.latencies["node-1"].failed) for one in (before, after)] == [
        (200, 0),
        (200, 20),
    ]


def test_two_records_of_a_step_are_one_gain() -> None:
    one_boot = of_history(SLOW, seconds=60)
    close = [replace(one, at=one.at - 4) if one.sequence == 30 else one for one in one_boot]
    next_boot = replace(SLOW, boot_id="boot-b").records(90, 61)

    found = made([*close, *(one for one in next_boot if HISTORY_STREAM.includes(one.sequence))])

    trips = [of.store_latency.buckets for one in found for of in one.latencies.values()]
    assert sum(count for histogram in trips for _, count in histogram) == 20 * (60 + 20)


def test_what_has_not_been_asked_for_is_the_same_in_less_room() -> None:
    for step in made(of_history(SLOW, QUICK, seconds=200)):
        for node_id, of_node in step.latencies.items():
            again = step.reckoned.latencies[node_id]
            assert again.store_latency.earlier == ()
            assert again.store_latency.percentiles_ms == of_node.store_latency.percentiles_ms
            assert again.upstream_latency.buckets == of_node.upstream_latency.buckets
