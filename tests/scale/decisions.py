"""What a decision costs the node that asks and the Redis that counts, in processor time, by itself.

A request's other costs are not in it: whoever asks is a loop that asks again when it has its answers.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median

from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys, window
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit
from gateway.limiter.limiter import Limiter, LimiterResult
from loadtest import redis_server
from tests.integration.gateway.limiter.node import limiter_node

LIMIT = Limit(1_000_000, 60)
ROUND_SECONDS = 0.5
"""Of several keys each is visited twice a second, so that a node does not know what is there now."""

_SEEDED_AT_ONCE = 1000


@dataclass(frozen=True)
class Load:
    """`at_once` decisions are in a pipeline, about that many of the keys, and `each` in a round of all."""

    keys: int
    is_full: bool
    at_once: int
    each: int = 1


@dataclass(frozen=True)
class Cost:
    """Microseconds a decision, the median of the rounds."""

    node_us: float
    redis_us: float


class _Asker:
    """Asks for so many decisions, some at once."""

    def __init__(self, limiter: Limiter, hits: Iterator[tuple[Hit]], at_once: int) -> None:
        self._limiter = limiter
        self._charges = hits
        self._at_once = at_once
        self._out = 0
        self._left = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask(self, decisions: int) -> None:
        """Until all are told."""
        self._left = decisions
        self._done = asyncio.get_running_loop().create_future()
        self._ask()
        await self._done

    def _ask(self) -> None:
        self._out = min(self._at_once, self._left)
        self._left -= self._out
        for hits in islice(self._charges, self._out):
            self._limiter.check(hits, self._told)

    def _told(self, decided: LimiterResult) -> None:
        assert isinstance(decided, tuple)
        assert decided[0].admitted
        self._out -= 1
        if self._out == 0:
            if self._left:
                self._ask()
            else:
                self._done.set_result(None)


async def measure(load: Load, rounds: int = 5) -> Cost:
    """On a Redis of its own; full windows have units in each sub-interval."""
    hits = [
        Hit(keys.window(f"client-{number:06}", keys.CLIENT_SCOPE, LIMIT.period_seconds, 0), LIMIT)
        for number in range(load.keys)
    ]
    with redis_server.running() as server:
        async with Redis.from_url(server.url) as redis, limiter_node(server.url) as node:
            if load.is_full:
                await _fill(redis, hits)
            visits = cycle([(hit,) for hit in hits])
            asker = _Asker(node.limiter, visits, load.at_once)
            decisions = load.keys * load.each
            await asker.ask(load.keys)
            node_us, redis_us = [], []
            for _ in range(rounds):
                began = monotonic()
                redis_before, before = await _redis_seconds(redis), time.process_time()
                await asker.ask(decisions)
                node_us.append(1e6 * (time.process_time() - before) / decisions)
                redis_us.append(1e6 * (await _redis_seconds(redis) - redis_before) / decisions)
                await asyncio.sleep(ROUND_SECONDS - (monotonic() - began))
    return Cost(median(node_us), median(redis_us))


async def _fill(redis: Redis, hits: list[Hit]) -> None:
    seconds, micros = await redis.time()
    at = seconds * window.MICROSECONDS + micros
    fields = range(
        window.oldest_counted(at, LIMIT.period_seconds), window.sub_interval(at, LIMIT.period_seconds) + 1
    )
    for first in range(0, len(hits), _SEEDED_AT_ONCE):
        pipeline = redis.pipeline(transaction=False)
        for hit in hits[first : first + _SEEDED_AT_ONCE]:
            pipeline.hset(hit.key, mapping={str(number): 7 for number in fields})
            pipeline.pexpire(hit.key, window.key_lifetime_ms(LIMIT.period_seconds))
        await pipeline.execute()


async def _redis_seconds(redis: Redis) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
