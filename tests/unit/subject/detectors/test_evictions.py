from collections.abc import Callable
from dataclasses import replace

from gateway.contract.records import StoreStatus, TelemetryRecord
from subject.detectors.evictions import store_evicting
from subject.finding import Finding
from tests.unit.subject.builders import CONNECTED, START, THRESHOLDS, record, snapshot

Told = Callable[[int], int | None]


def found(*nodes: Told, seconds: int = 30) -> list[Finding]:
    """Of nodes that tell these counts of Redis' in each second."""

    def told(node: int, second: int, count: Told) -> TelemetryRecord:
        store = StoreStatus(connected=True, evicted=count(second))
        return record(f"node-{node}", START + second, sequence=second + 1, store=store)

    records = [told(node, second, count) for node, count in enumerate(nodes) for second in range(seconds + 1)]
    redis = replace(CONNECTED, used_bytes=99_000_000, maximum_bytes=100_000_000)
    return store_evicting(snapshot(records, redis=redis), THRESHOLDS)


def test_keys_that_redis_evicts_are_told_since_it_does() -> None:
    def count(second: int) -> int:
        return 7 + 100 * max(0, second - 20)

    (evicting,) = found(count, count, count)

    assert evicting.since == START + 20
    assert [(item.metric, item.now) for item in evicting.evidence] == [
        ("evicted_keys", 1000),
        ("memory_used", 0.99),
    ]


def test_a_key_is_told_as_one_however_the_seconds_cut_it() -> None:
    (evicting,) = found(lambda second: int(second >= 30), lambda _: None)

    assert evicting.evidence[0].now == 1
    assert ", 1 in 10 s" in evicting.summary


def test_what_was_evicted_long_ago_is_over() -> None:
    assert found(lambda second: 7 if second < 10 else 500) == []


def test_a_redis_that_was_started_again_counts_from_nothing() -> None:
    assert found(lambda second: 1000 if second < 25 else 0) == []


def test_nodes_that_may_not_ask_tell_nothing() -> None:
    assert found(lambda _: None, lambda _: None) == []
    assert len(found(lambda _: None, lambda second: second)) == 1
