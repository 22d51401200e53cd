"""A limiter's decision, for a coroutine that waits for it and leaves by being cancelled."""

import asyncio
from collections.abc import Sequence

from gateway.errors import StoreUnavailable
from gateway.limiter.ask import Ask
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import Limiter, Told


async def decided(limiter: Limiter, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
    """By memory, or else as `Limiter.ask` tells it.

    Raises:
        StoreUnavailable: as there.
    """
    refusal = limiter.recall(hits)
    if refusal is not None:
        return refusal
    answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()

    def on_decided(told: Told) -> None:
        if not answer.done():
            answer.set_result(told)

    asked = limiter.ask(hits, on_decided)
    if not isinstance(asked, Ask):
        return asked
    try:
        told = await answer
    except asyncio.CancelledError:
        asked.leave()
        raise
    if isinstance(told, StoreUnavailable):
        raise told
    return told
