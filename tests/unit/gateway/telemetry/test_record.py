import time

import pytest

from gateway.clock import RedisClock
from gateway.contract.records import LiveChanges, Reloads, RosterEntry, Totals, decode, encode
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.publisher import NodeInfo, Recorder

CHANGES = LiveChanges(3, 1, ("limit:acme",), since=1.5)
RELOADS = Reloads(2, 1, at=2.5, problem="x")
NODE = NodeInfo("node-1", "10.0.0.1:8080", "10.0.0.1:9080", "0.1.0", "ab" * 8)


@pytest.fixture
def counters() -> Counters:
    return Counters()


def boot(counters: Counters, clock: RedisClock) -> Recorder:
    return Recorder(
        NODE, counters, clock, lambda: 0.0, lambda: True, lambda: "", lambda: CHANGES, lambda: RELOADS
    )


@pytest.fixture
def recorder(counters: Counters) -> Recorder:
    return boot(counters, RedisClock())


def test_an_entry_survives_the_wire(recorder: Recorder, counters: Counters) -> None:
    counters.latency.add(0.1)
    counters.clients.count("acme", refused=True)
    recorder.tick()
    entry = recorder.entry()

    assert decode(RosterEntry, encode(entry)) == entry
    assert (entry.address, entry.admin_address, entry.version) == (
        "10.0.0.1:8080",
        "10.0.0.1:9080",
        "0.1.0",
    )


def test_records_are_numbered_from_1_and_only_a_tick_begins_a_new_one(recorder: Recorder) -> None:
    numbers = []
    for _ in range(3):
        recorder.tick()
        numbers += [recorder.entry().last.sequence, recorder.entry().last.sequence]

    assert numbers == [1, 1, 2, 2, 3, 3]


def test_counters_show_at_once_and_clients_with_the_tick(recorder: Recorder, counters: Counters) -> None:
    recorder.tick()
    counters.count(Outcome.ADMITTED)
    counters.clients.count("acme", refused=False)

    assert recorder.entry().last.boot == Totals(1, 1)
    assert recorder.entry().last.busiest == ()
    recorder.tick()
    assert recorder.entry().last.busiest == (("acme", 1, 0),)


def test_a_record_holds_what_was_counted(recorder: Recorder, counters: Counters) -> None:
    counters.messages[Outcome.MALFORMED], counters.in_flight = 2, 3
    counters.upstream_answered, counters.upstream_server_errors = 4, 5
    counters.upstream_broken, counters.upstream_timed_out = 6, 7
    counters.store_decisions, counters.store_fallbacks, counters.store_discarded = 8, 9, 10
    recorder.carried = Totals(100, 90, 10)
    record = recorder.entry().last

    assert (record.node_id, record.malformed, record.in_flight) == ("node-1", 2, 3)
    upstream, store = record.upstream, record.store
    assert (upstream.answered, upstream.server_errors, upstream.broken, upstream.timed_out) == (4, 5, 6, 7)
    assert (store.connected, store.decisions, store.fallbacks, store.discarded) == (True, 8, 9, 10)
    assert record.carried == Totals(100, 90, 10)
    assert record.overrides == CHANGES
    assert record.reloads == RELOADS
    assert record.rss_bytes > 1_000_000
    assert record.cpu_seconds > 0


def test_only_the_last_record_is_marked_as_leaving(recorder: Recorder) -> None:
    assert not recorder.entry().last.leaving
    assert recorder.entry(leaving=True).last.leaving


def test_each_boot_has_an_id_of_its_own(counters: Counters) -> None:
    boots = {boot(counters, RedisClock()).boot_id for _ in range(5)}

    assert len(boots) == 5


def test_time_is_redis_time_and_the_skew_is_told(counters: Counters) -> None:
    clock = RedisClock()
    ahead = int((time.time() + 100) * 1e6)
    sent = time.monotonic()
    clock.learn(sent, ahead, sent)
    record = boot(counters, clock).entry().last

    assert record.at == pytest.approx(time.time() + 100, abs=5)
    assert record.started_at == pytest.approx(record.at, abs=5)
    assert record.clock_skew_seconds == pytest.approx(-100, abs=5)


def test_without_redis_time_is_the_nodes_own(recorder: Recorder) -> None:
    record = recorder.entry().last

    assert record.at == pytest.approx(time.time(), abs=5)
    assert abs(record.clock_skew_seconds) < 1
