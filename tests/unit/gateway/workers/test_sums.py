from dataclasses import replace

from gateway.clock import RedisClock
from gateway.contract.records import LiveChanges, Refusal, Reloads
from gateway.telemetry.counters import Counters
from gateway.telemetry.deltas import Deltas, WorkerReport, WorkerState
from gateway.telemetry.process import Usage
from gateway.workers.sums import Sums

NOTHING = Deltas({}, {}, {}, {}, {}, {})
WELL = WorkerState(
    gauges={"in_flight": 2, "tunnels": 1, "connections": 5},
    store_connected=True,
    store_trouble="",
    redis_ahead_seconds=1000.0,
    overrides=LiveChanges(fields=3),
    reloads=Reloads(),
    policy_digest="ab",
    loop_lag_seconds=0.01,
    cpu_seconds=4.0,
    rss_bytes=100,
    tasks=7,
    lost_log_lines=1,
)


class Node:
    """The sums of some workers' hand-overs."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.clock = RedisClock()
        self.sums = Sums(self.counters, self.clock, lambda: Usage(1.0, 10))

    def hears(self, worker: int, condition: WorkerState = WELL, counted: Deltas = NOTHING) -> None:
        self.sums.take(worker, WorkerReport(counted, condition), now=50.0)


def test_what_a_worker_had_at_the_moment_goes_with_it_and_what_it_counted_stays() -> None:
    node = Node()
    node.hears(1, counted=replace(NOTHING, numbers={"denied": 3}, messages={"admitted": 2}))
    node.hears(2, counted=replace(NOTHING, messages={"admitted": 5}))
    assert (node.counters.in_flight, node.counters.tunnels, node.counters.connections) == (4, 2, 10)
    assert node.sums.usage() == Usage(9.0, 210, 2)
    assert (node.sums.tasks, node.sums.lost_log_lines) == (14, 2)
    node.sums.lose(1)

    assert (node.counters.in_flight, node.counters.tunnels, node.counters.connections) == (2, 1, 5)
    assert (node.counters.totals.admitted, node.counters.denied) == (7, 3)
    assert node.sums.usage() == Usage(9.0, 110, 1)
    assert (node.sums.tasks, node.sums.lost_log_lines) == (7, 2)


def test_a_worker_that_ended_before_it_said_anything_changes_nothing() -> None:
    node = Node()
    node.sums.lose(1)

    assert node.sums.usage() == Usage(1.0, 10, 0)


def test_redis_is_connected_where_all_are() -> None:
    node = Node()
    assert not node.sums.store_connected
    node.hears(1)
    assert (node.sums.store_connected, node.sums.store_trouble) == (True, "")
    node.hears(2, replace(WELL, store_connected=False, store_trouble="away"))
    assert (node.sums.store_connected, node.sums.store_trouble) == (False, "away")


def test_of_live_changes_the_worst_is_told() -> None:
    node = Node()
    assert node.sums.live_changes == LiveChanges()
    for worker, changes in enumerate(
        [LiveChanges(fields=9), LiveChanges(fields=8, malformed=1), LiveChanges(problem="is no hash")], 1
    ):
        node.hears(worker, replace(WELL, overrides=changes))
        assert node.sums.live_changes == changes


def test_a_reload_that_one_worker_could_not_do_failed() -> None:
    node = Node()
    node.hears(1)
    own = Reloads(done=2, at=5.0)
    assert node.sums.reloads(own) == own
    node.hears(2, replace(WELL, reloads=Reloads(failed=1, problem="not TOML")))
    assert node.sums.reloads(own) == replace(own, problem="worker 2: not TOML")
    assert node.sums.reloads(replace(own, problem="away")).problem == "away"


def test_redis_time_is_what_workers_know_of_it() -> None:
    node = Node()
    node.hears(1)
    assert node.clock.time(60.0) == 1_060_000_000
    node.hears(1, replace(WELL, redis_ahead_seconds=None))
    assert node.clock.time(60.0) == 1_060_000_000
    node.hears(2, replace(WELL, redis_ahead_seconds=990.0))
    assert node.clock.time(60.0) == 1_050_000_000


def test_the_longest_lag_is_told_once_and_a_silent_worker_lags() -> None:
    node = Node()
    node.hears(1, replace(WELL, loop_lag_seconds=0.2))
    node.hears(2)
    assert node.sums.take_lag_seconds(50.1) == 0.2
    assert node.sums.take_lag_seconds(50.2) == 0.0
    assert node.sums.take_lag_seconds(53.5) == 3.0


def test_a_change_is_taken_over_when_the_last_worker_has_it() -> None:
    node = Node()
    node.hears(1, replace(WELL, overrides=LiveChanges(fields=3, version=7, taken_at=50.0)))
    node.hears(2, replace(WELL, overrides=LiveChanges(fields=3, malformed=1, version=6, taken_at=40.0)))
    assert (node.sums.live_changes.version, node.sums.live_changes.taken_at) == (6, 40.0)
    assert node.sums.live_changes.malformed == 1

    node.hears(2, replace(WELL, overrides=LiveChanges(fields=3, version=7, taken_at=50.5)))
    assert (node.sums.live_changes.version, node.sums.live_changes.taken_at) == (7, 50.5)


def test_the_refusals_of_all_workers_are_found_by_their_ids() -> None:
    node = Node()
    refusals = [Refusal(name, 1.0, "acme", 1, ()) for name in ("a", "b")]
    node.sums.take(1, WorkerReport(NOTHING, WELL, refusals=(refusals[0],)), now=50.0)
    node.sums.take(2, WorkerReport(NOTHING, WELL, refusals=(refusals[1],)), now=50.0)
    node.sums.lose(1)

    assert [node.sums.refusal(name) for name in ("a", "b", "c")] == [*refusals, None]
