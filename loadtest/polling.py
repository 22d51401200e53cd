"""Waiting for what other processes do."""

import asyncio
import time
from collections.abc import Callable

TICK_SECONDS = 0.02


async def until(is_so: Callable[[], bool], within_seconds: float, tick_seconds: float = TICK_SECONDS) -> bool:
    """Look now and then whether it is so, and say whether it was in time."""
    end = time.monotonic() + within_seconds
    while not (so := is_so()) and time.monotonic() < end:  # noqa: ASYNC110 - another process sets no Event
        await asyncio.sleep(tick_seconds)
    return so
