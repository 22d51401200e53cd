"""A time limit of a future."""

import asyncio
from typing import Any

GRACE_SECONDS = 0.01


def limit(future: "asyncio.Future[Any]", seconds: float) -> asyncio.TimerHandle:
    """Let a future raise `TimeoutError` in `seconds`; what is returned is to be cancelled when it is done.

    Where the process itself stood still, timers come before what waits to be read, and would blame the other
    side: so there is a moment more, in which that is read.
    """
    loop = future.get_loop()
    return loop.call_later(seconds, loop.call_later, GRACE_SECONDS, _expire, future)


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
