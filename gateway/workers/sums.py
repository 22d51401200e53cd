"""A node's numbers: what its workers have handed over, added up. What was once counted stays counted."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.clock import RedisClock
from gateway.contract.records import MAX_REFUSALS, LiveChanges, Refusal, Reloads
from gateway.contract.window import MICROSECONDS
from gateway.telemetry.counters import GAUGES, Counters
from gateway.telemetry.deltas import REPORT_INTERVAL_SECONDS, WorkerReport, WorkerState, add
from gateway.telemetry.process import Usage


@dataclass(slots=True)
class _Last:
    condition: WorkerState
    at: float  # monotonic


class Sums:
    """Keeps `counters` and `clock` up to date by what workers tell."""

    def __init__(self, counters: Counters, clock: RedisClock, own: Callable[[], Usage]) -> None:
        """`own` is what the first process takes of the machine."""
        self._counters = counters
        self._clock = clock
        self._own = own
        self._workers: dict[int, _Last] = {}
        self._cpu_seconds = 0.0  # of workers that ended
        self._lost_log_lines = 0
        self._lag_seconds = 0.0
        self._refusals: deque[Refusal] = deque(maxlen=MAX_REFUSALS)

    def take(self, worker: int, handover: WorkerReport, now: float) -> None:
        """A worker's hand-over at monotonic `now`."""
        condition = handover.condition
        add(self._counters, handover.counted)
        self._refusals.extend(handover.refusals)
        self._workers[worker] = _Last(condition, now)
        self._lag_seconds = max(self._lag_seconds, condition.loop_lag_seconds)
        if condition.redis_ahead_seconds is not None:
            self._clock.forget()
            self._clock.learn(now, int((now + condition.redis_ahead_seconds) * MICROSECONDS), now)
        self._add_gauges()

    def lose(self, worker: int) -> None:
        """A worker has ended."""
        last = self._workers.pop(worker, None)
        if last is not None:
            self._cpu_seconds += last.condition.cpu_seconds
            self._lost_log_lines += last.condition.lost_log_lines
        self._add_gauges()

    def _add_gauges(self) -> None:
        for name in GAUGES:
            setattr(self._counters, name, sum(each.gauges[name] for each in self._conditions))

    @property
    def _conditions(self) -> list[WorkerState]:
        return [self._workers[worker].condition for worker in sorted(self._workers)]

    def refusal(self, request_id: str) -> Refusal | None:
        """One of the last requests that were refused, by its id."""
        return next((one for one in reversed(self._refusals) if one.request_id == request_id), None)

    @property
    def store_connected(self) -> bool:
        """Whether Redis answers all of them."""
        conditions = self._conditions
        return bool(conditions) and all(each.store_connected for each in conditions)

    @property
    def store_trouble(self) -> str:
        """What is wrong with Redis, as the first says whom it troubles."""
        return next((each.store_trouble for each in self._conditions if each.store_trouble), "")

    @property
    def live_changes(self) -> LiveChanges:
        """What the one makes of the overrides that refuses most of them; taken over is what all have."""
        reports = [each.overrides for each in self._conditions]
        if not reports:
            return LiveChanges()
        worst = max(reports, key=lambda it: (it.problem != "", it.malformed, it.fields))
        last = min(reports, key=lambda it: (it.version, -(it.taken_at or 0.0)))
        return replace(worst, version=last.version, taken_at=last.taken_at)

    def reloads(self, own: Reloads) -> Reloads:
        """The first process' own, with the trouble that a worker had with what that one could read."""
        for worker in sorted(self._workers):
            problem = self._workers[worker].condition.reloads.problem
            if problem and not own.problem:
                return replace(own, problem=f"worker {worker}: {problem}")
        return own

    def usage(self) -> Usage:
        """Of all processes; memory that several share counts for each."""
        conditions, own = self._conditions, self._own()
        return Usage(
            own.cpu_seconds + self._cpu_seconds + sum(each.cpu_seconds for each in conditions),
            own.rss_bytes + sum(each.rss_bytes for each in conditions),
            len(conditions),
        )

    @property
    def tasks(self) -> int:
        """Of all workers."""
        return sum(each.tasks for each in self._conditions)

    @property
    def lost_log_lines(self) -> int:
        """Of all workers, those that ended among them."""
        return self._lost_log_lines + sum(each.lost_log_lines for each in self._conditions)

    def take_lag_seconds(self, now: float) -> float:
        """The longest lag of a loop since the last call; a worker that says nothing may stand still."""
        silences = [now - each.at - 2 * REPORT_INTERVAL_SECONDS for each in self._workers.values()]
        longest, self._lag_seconds = max([self._lag_seconds, *silences]), 0.0
        return longest
