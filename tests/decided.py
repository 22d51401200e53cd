"""A limiter's decision, for a coroutine that waits for it and leaves by being cancelled."""

import asyncio
from collections.abc import Sequence

from gateway.errors import StoreUnavailable
from gateway.limiter.batch import PendingCheck
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import Limiter, LimiterResult


async def decided(limiter: Limiter, hits: Sequence[Hit]) -> tuple[WindowStatus, ...] | None:
    """By memory, or else as `Limiter.check` tells it.

    Raises:
        StoreUnavailable: as there.
    """
    refusal = limiter.recall(hits)
    if refusal is not None:
        return refusal
    answer: asyncio.Future[LimiterResult] = asyncio.get_running_loop().create_future()

    def on_result(told: LimiterResult) -> None:
        if not answer.done():
            answer.set_result(told)

    asked = limiter.check(hits, on_result)
    if not isinstance(asked, PendingCheck):
        return asked
    try:
        told = await answer
    except asyncio.CancelledError:
        asked.cancel()
        raise
    if isinstance(told, StoreUnavailable):
        raise told
    return told
