"""Work with Redis that is done again and again, whatever Redis does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.exceptions import ResponseError

from gateway.clock import monotonic
from gateway.contract.redis_errors import explained
from gateway.errors import REDIS_TROUBLE

logger = logging.getLogger(__name__)


async def repeat(step: Callable[[], Awaitable[None]], interval_seconds: float) -> None:
    """Take `step` for ever, each `interval_seconds`. An outage is no news here; a refusal is told once."""
    due = monotonic()
    told = ""
    while True:
        try:
            await step()
        except ResponseError as error:
            if str(error) != told:
                told = str(error)
                logger.warning("Redis answers, and refuses: %s", explained(told))
        except REDIS_TROUBLE as error:
            logger.debug("not done, as Redis is away: %s", error)
        else:
            told = ""
        due = max(due + interval_seconds, monotonic())
        await asyncio.sleep(due - monotonic())
