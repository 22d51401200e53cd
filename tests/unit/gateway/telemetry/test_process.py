import asyncio
import mmap
import time
from contextlib import suppress

from gateway.telemetry.process import LoopLag, cpu_seconds, rss_bytes


def test_cpu_time_does_not_go_back() -> None:
    before = cpu_seconds()
    sum(range(100_000))

    assert cpu_seconds() >= before > 0


def test_resident_memory_follows_what_is_used() -> None:
    with mmap.mmap(-1, 32 << 20) as block:  # of the system's, not of what others left
        before = rss_bytes()
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1

        assert rss_bytes() - before > 24 << 20


async def test_loop_lag_shows_what_held_the_loop_up_and_then_forgets_it() -> None:
    lag = LoopLag()
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - the stall that is to be seen
    longest = 0.0
    while not longest:
        await asyncio.sleep(0)
        longest = lag.take_longest_seconds()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert 0.05 < longest < 5
    assert lag.take_longest_seconds() == 0
