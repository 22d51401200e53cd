"""The limiter of one node, as `gateway.building` builds it, on a Redis of the test's."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import RedisClock, monotonic
from gateway.contract import keys, window
from gateway.contract.limits import Limit
from gateway.contract.redis_url import parse_redis_url
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.limiter import Limiter, OnStoreFailure
from gateway.limiter.store import Store
from gateway.limiter.window_cache import WindowCache
from gateway.redis_endpoint import Endpoint
from gateway.telemetry.counters import Counters
from tests.decided import decided

TEN = Limit(10, 60)
KEY = keys.window("acme", keys.CLIENT_SCOPE, 60, 0)
"""The window of the client `acme` under `TEN`."""


@dataclass(frozen=True)
class LimiterNode:
    """A limiter with what it stands on."""

    limiter: Limiter
    store: Store
    counters: Counters
    cache: WindowCache
    backlog: Backlog
    task_is_alive: Callable[[], bool]


async def decide(limiter: Limiter, client: str, limit: Limit, generation: int = 0) -> WindowStatus | None:
    """Whether one request of a client with one window may pass."""
    key = keys.window(client, keys.CLIENT_SCOPE, limit.period_seconds, generation)
    statuses = await decided(limiter, [Hit(key, limit)])
    return None if statuses is None else statuses[0]


@asynccontextmanager
async def limiter_node(
    redis_url: str,
    *,
    deadline_seconds: float = 5.0,
    on_failure: OnStoreFailure = "closed",
    silence_seconds: float = 10.0,
    nodes: int = 1,
) -> AsyncIterator[LimiterNode]:
    """Run one; it has tried to connect when this is entered."""
    counters, clock, cache = Counters(), RedisClock(), WindowCache()
    backlog = Backlog(counters)
    store = Store(
        Endpoint(parse_redis_url(redis_url)),
        clock,
        counters,
        cache,
        backlog,
        deadline_seconds=deadline_seconds,
        silence_seconds=silence_seconds,
    )
    limiter = Limiter(
        store,
        cache,
        Fallback(cache, backlog, clock),
        counters,
        on_failure=on_failure,
        live_nodes=lambda: nodes,
    )
    task = asyncio.create_task(store.run())

    def is_alive() -> bool:
        return not task.done()

    try:
        await store.tried.wait()
        yield LimiterNode(limiter, store, counters, cache, backlog, is_alive)
        await store.finish()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def hanging(pid: int) -> Iterator[None]:
    """A server that keeps its connections and answers nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until `condition` holds, for `seconds` at most."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.005)


async def standing_units(redis: Redis, key: str = KEY) -> int:
    """What stands in a window."""
    fields = await redis.hgetall(key)
    return sum(int(count) for name, count in fields.items() if name != window.BACKFILLED)


async def settles_at(redis: Redis, units: int, key: str = KEY) -> None:
    """Wait until exactly `units` stand in the window."""
    deadline = monotonic() + 5
    while (status := await standing_units(redis, key)) != units:
        assert monotonic() < deadline, f"{status} stand, not {units}"
        await asyncio.sleep(0.005)
