"""The limiter of one node, as `gateway.app` wires it, on a Redis of the test's."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from gateway.clock import RedisClock, monotonic
from gateway.limiter.batcher import Batcher
from gateway.limiter.limiter import Limiter, OnStoreFailure
from gateway.limiter.wire import Wire
from gateway.telemetry.counters import Counters


@dataclass(frozen=True)
class LimiterNode:
    """A limiter with what it stands on."""

    limiter: Limiter
    batcher: Batcher
    counters: Counters
    task_is_alive: Callable[[], bool]


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
    counters = Counters()
    batcher = Batcher(
        Wire(redis_url),
        RedisClock(),
        counters,
        deadline_seconds=deadline_seconds,
        silence_seconds=silence_seconds,
    )
    limiter = Limiter(
        batcher,
        counters,
        deadline_seconds=deadline_seconds,
        on_failure=on_failure,
        live_nodes=lambda: nodes,
    )
    task = asyncio.create_task(batcher.run())

    def is_alive() -> bool:
        return not task.done()

    try:
        await batcher.tried.wait()
        yield LimiterNode(limiter, batcher, counters, is_alive)
        await batcher.finish()
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
