import pytest

from gateway.contract.records import StoreStatus, Totals, UpstreamTotals
from subject.cluster import samples, series
from tests.unit.subject.builders import START, NodeScript, always, record, steps


def requests(sample: samples.Sample) -> float:
    return sample.totals.requests


def test_neighbouring_records_of_one_boot_make_samples() -> None:
    found = samples.made_of(NodeScript(requests=steps((0, 10), (1, 30))).records(3))

    assert [(sample.start, sample.end, sample.totals.requests) for sample in found] == [
        (START, START + 1, 10),
        (START + 1, START + 2, 30),
        (START + 2, START + 3, 30),
    ]


@pytest.mark.parametrize("started_at", [0, START - 3600, START + 3600, 9e18])
def test_a_node_whose_clock_is_wrong_started_a_second_before_its_first_record(started_at: float) -> None:
    first = record(at=START, sequence=1, started_at=started_at, boot=Totals(7, 7))

    (sample,) = samples.made_of([first])

    assert (sample.start, sample.end, sample.totals.requests) == (START - 1, START, 7)


def test_a_sample_has_what_became_of_requests_at_the_upstream_and_who_was_new() -> None:
    first = record(at=START, sequence=1, upstream=UpstreamTotals(8, 1, 0, 0), new_clients=5)
    second = record(at=START + 1, sequence=2, upstream=UpstreamTotals(20, 1, 2, 3), new_clients=7)

    found = samples.made_of([first, second])

    assert [sample.upstream for sample in found] == [UpstreamTotals(8, 1, 0, 0), UpstreamTotals(12, 0, 2, 3)]
    assert [sample.new_clients for sample in found] == [5, 2]


def test_evictions_are_counted_from_where_redis_told_them_first_and_again_after_its_restart() -> None:
    told = [100, 103, None, 110, 4, 6]
    records = [
        record(at=START + number, sequence=number + 1, store=StoreStatus(connected=True, evicted=evicted))
        for number, evicted in enumerate(told)
    ]

    found = samples.made_of(records)

    assert [sample.evicted for sample in found] == [0, 3, 0, 0, 0, 2]


def test_who_looks_again_gets_the_same_samples_as_who_looks_first() -> None:
    clients = {f"client-{number}": always(number) for number in range(30)}
    records = [
        *NodeScript(requests=always(40), clients=clients, phase=0.3).records(40, lost=[7, 8, 25]),
        *NodeScript(requests=always(40), clients=clients, boot_id="boot-b").records(90, 45),
    ]
    remembered = samples.Remembered()

    for second in range(1, 95):
        at = START + second
        now = [one for one in records if at - 30 <= one.at <= at]
        if second % 9 == 0:  # one that comes late
            now.pop(len(now) // 2)
        assert remembered(now) == samples.made_of(now)


def test_the_samples_of_one_node_are_not_those_of_another() -> None:
    remembered = samples.Remembered()
    nodes = [NodeScript(name, always(rate)).records(5) for name, rate in (("node-1", 10), ("node-2", 20))]

    for records in (*nodes, *nodes):
        assert remembered(records) == samples.made_of(records)


def test_a_lost_record_spreads_over_the_gap() -> None:
    found = samples.made_of(NodeScript(requests=always(10)).records(4, lost=[1, 2]))

    assert series.per_second(found, requests, START, START + 4) == [10, 10, 10, 10]


def test_a_new_boot_starts_new_differences_and_loses_no_count() -> None:
    before = NodeScript(requests=always(10), boot_id="zzz").records(3)
    after = NodeScript(requests=always(7), boot_id="aaa").records(8, first=5)

    found = samples.made_of([*after, *before])

    assert series.per_second(found, requests, START, START + 8) == [10, 10, 10, 0, 0, 7, 7, 7]


def test_history_that_begins_in_the_middle_of_a_boot_starts_with_its_second_record() -> None:
    first = record(at=START, sequence=40, boot=Totals(1000, 1000))
    second = record(at=START + 1, sequence=41, boot=Totals(1010, 1010))

    (sample,) = samples.made_of([first, second])

    assert sample.totals.requests == 10


def test_records_that_come_twice_count_once() -> None:
    records = NodeScript(requests=always(10)).records(3)

    assert len(samples.made_of([*records, records[-1]])) == 3


def test_nodes_that_publish_at_different_moments_are_cut_at_the_same_seconds() -> None:
    found = samples.made_of(NodeScript(requests=steps((0, 10), (2, 20)), phase=0.5).records(5))

    assert series.per_second(found, requests, START + 1, START + 5) == [10, 15, 20, 20]


def test_coverage_has_holes_where_a_node_was_away() -> None:
    records = [*NodeScript().records(3), *NodeScript(boot_id="b").records(8, first=6)]

    assert series.covered_seconds(samples.made_of(records), START, START + 8) == 5
