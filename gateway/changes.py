"""Hears of live changes at once, by a subscription that is always renewed. What it misses, the poll finds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from gateway.contract import keys
from gateway.errors import REDIS_TROUBLE

SILENCE_SECONDS = 5.0
"""After so long without a message Redis is asked whether it is there, after as long once more given up."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


async def listen(redis: Redis, take: Callable[[str], Awaitable[None]]) -> None:
    """Give `take` each message on the channel, for ever. An outage is no news; a refusal is told once."""
    subscription = _Subscription(take)
    told = ""
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        subscription.stands = False
        try:
            await subscription.follow(redis)
        except ResponseError as error:
            if str(error) != told:
                told = str(error)
                logger.warning("live changes are not heard of at once, only by polling: %s", told)
        except REDIS_TROUBLE as error:
            logger.debug("the subscription to live changes was lost: %s", error)
        if subscription.stands:
            pause_seconds = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


class _Subscription:
    """One after the other; `stands` says of the last one whether Redis has confirmed it."""

    def __init__(self, take: Callable[[str], Awaitable[None]]) -> None:
        self._take = take
        self.stands = False

    async def follow(self, redis: Redis) -> None:
        """Until it is lost: errors of redis-py pass through."""
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(keys.CHANGES)
            while True:
                message = await self._next(pubsub)
                if message["type"] == "subscribe":
                    self.stands = True
                elif message["type"] == "message":
                    await self._take(str(message["data"]))

    async def _next(self, pubsub: PubSub) -> dict[str, Any]:
        message: dict[str, Any] | None = await pubsub.get_message(timeout=SILENCE_SECONDS)
        if message is None:
            await pubsub.subscribe(keys.CHANGES)  # changes nothing, is answered, and needs no further right
            message = await pubsub.get_message(timeout=SILENCE_SECONDS)
        if message is None:
            raise RedisConnectionError("silent")
        return message
