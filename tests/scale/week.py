"""How many fields one client's hash gets: the product's own batches, at a simulated time, on a real Redis."""

import asyncio
import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from gateway.contract import keys, window
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.decision import Hit
from gateway.limiter.store import REFUND_SECONDS
from gateway.limiter.window_cache import WindowCache
from tests.scale.timed_redis import TimedRedis
from tests.unit.gateway.limiter.pipelines import commands_of

MOST_FIELDS = window.SUB_INTERVALS + 6
WEEK_SECONDS = 7 * 24 * 3600.0
NODES = 3
_START = 1_800_000_000 * MICROSECONDS
_BURST = 5
_ATTEMPTS = 3


@dataclass(frozen=True)
class Habit:
    """What a client does: bursts to one node or another, dense in one phase and sparse in the next.

    `gaps` are the means between two bursts, in sub-intervals, `phases` those of the phases, in seconds, dense
    first. What goes to Redis or comes from it takes `way_seconds`; stamps are off by up to E either way.
    """

    limit: Limit
    seconds: float
    phases: tuple[float, float]
    gaps: tuple[float, float] = (0.7, 70.0)
    way_seconds: float = 0.0005


@dataclass
class Course:
    """What came of it."""

    batches: int = 0
    requests: int = 0
    admitted: int = 0
    most_fields: int = 0


class _Node:
    def __init__(self, correct_soon: Callable[["_Node"], None]) -> None:
        self.cache = WindowCache()
        self.corrections = Refunds(lambda: correct_soon(self))


class Simulation:
    """Does one thing after the other in the order of their times; what is decided, the product decides."""

    def __init__(self, habit: Habit, redis_port: int, seed: int) -> None:
        self._habit = habit
        self._chance = random.Random(seed)
        period = habit.limit.period_seconds
        self._hit = Hit(keys.window("acme", keys.CLIENT_SCOPE, period, 0), habit.limit)
        self._tolerance = window.stamp_tolerance(period)
        self._redis = TimedRedis(redis_port, self._hit.key)
        self._nodes = [_Node(self._correct_soon) for _ in range(NODES)]
        self._now = _START
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.course = Course()

    async def run(self) -> Course:
        """The whole time, with a break for other tasks now and then."""
        self._begin_phase(0)
        end = _START + self._habit.seconds * MICROSECONDS
        while self._now < end:
            self._now, number, act = heapq.heappop(self._due)
            act()
            if number % 1000 == 0:
                await asyncio.sleep(0)
        self._redis.close()
        return self.course

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._now + int(seconds * MICROSECONDS), next(self._order), act))

    def _begin_phase(self, phase: int) -> None:
        length = self._chance.expovariate(1 / self._habit.phases[phase])
        self._after(length, lambda: self._begin_phase(1 - phase))
        self._burst(phase, self._now + int(length * MICROSECONDS))

    def _burst(self, phase: int, until: int) -> None:
        if self._now < until:
            width = self._hit.limit.period_seconds / window.SUB_INTERVALS
            gap = self._chance.expovariate(1 / (self._habit.gaps[phase] * width))
            self._after(gap, lambda: self._burst(phase, until))
            now = self._now / MICROSECONDS
            requests = self._chance.randint(1, _BURST)
            self.course.requests += requests
            asks = [PendingCheck([self._hit], now, None) for _ in range(requests)]
            self._send(self._chance.choice(self._nodes), asks)

    def _correct_soon(self, node: _Node) -> None:
        self._after(REFUND_SECONDS, lambda: self._send(node, []) if node.corrections else None)

    def _send(self, node: _Node, asks: Sequence[PendingCheck], attempt: int = 1) -> None:
        way = int(self._habit.way_seconds * MICROSECONDS)
        stamp = self._now + way + self._chance.randint(-self._tolerance, self._tolerance)
        before, refunds = node.corrections.take(stamp, {self._hit.key} if asks else ())
        batch = Batch(asks, stamp, self._now / MICROSECONDS, node.cache, before=before, refunds=refunds)
        self._after(self._habit.way_seconds, lambda: self._execute(node, batch, attempt))

    def _execute(self, node: _Node, batch: Batch, attempt: int) -> None:
        replies = self._redis.execute(commands_of(batch), self._now)
        self.course.batches += 1
        self.course.most_fields = max(self.course.most_fields, self._redis.fields)
        self._after(self._habit.way_seconds, lambda: self._settle(node, batch, replies, attempt))

    def _settle(self, node: _Node, batch: Batch, replies: Sequence[object], attempt: int) -> None:
        again = batch.settle(replies, batch.executed(replies), 0.0, node.cache, node.corrections)
        self.course.admitted += sum(
            ask.result[0].admitted for ask in batch.checks if isinstance(ask.result, tuple)
        )
        if again and attempt < _ATTEMPTS:
            self._send(node, again, attempt + 1)
