"""The subscription to live changes, and how it is renewed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from gateway import changes
from gateway.contract import keys
from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually


@asynccontextmanager
async def listening(redis: Redis) -> AsyncIterator[list[str]]:
    """What is heard, from when Redis knows of the subscription."""
    heard: list[str] = []

    async def take(message: str) -> None:
        heard.append(message)

    task = asyncio.create_task(changes.listen(redis, take))
    await subscribed(redis)
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def subscribed(redis: Redis) -> None:
    """Somebody listens."""

    async def listeners() -> int:
        ((_, number),) = await redis.pubsub_numsub(keys.CHANGES)
        return int(number)

    await eventually(listeners, lambda number: number == 1)


async def connections(redis: Redis) -> list[str]:
    """The ids of those that listen."""
    return [str(client["id"]) for client in await redis.client_list(_type="pubsub")]


async def renewed(redis: Redis, before: str) -> None:
    """Another connection listens."""
    await eventually(lambda: connections(redis), lambda ids: len(ids) == 1 and before not in ids)


async def says(redis: Redis, heard: list[str], message: str) -> None:
    """It is published, and heard once."""

    async def read() -> list[str]:
        return heard

    await redis.publish(keys.CHANGES, message)
    await eventually(read, lambda messages: message in messages)
    assert heard.count(message) == 1


async def test_messages_are_heard_and_again_after_a_loss(redis_client: Redis) -> None:
    async with listening(redis_client) as heard:
        await says(redis_client, heard, "1 acme")
        (before,) = await connections(redis_client)
        await redis_client.client_kill_filter(_type="pubsub")
        await renewed(redis_client, before)
        await says(redis_client, heard, "2 acme")


async def test_a_long_silence_is_no_loss(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SILENCE_SECONDS", 0.05)
    async with listening(redis_client) as heard:
        before = await connections(redis_client)
        await asyncio.sleep(0.5)
        await says(redis_client, heard, "1 acme")
        assert await connections(redis_client) == before


async def test_a_server_that_says_nothing_more_is_left(
    own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SILENCE_SECONDS", 0.1)
    async with (
        Redis.from_url(own_redis.url, decode_responses=True, socket_timeout=0.3) as redis,
        listening(redis) as heard,
    ):
        (before,) = await connections(redis)
        os.kill(own_redis.pid, signal.SIGSTOP)
        await asyncio.sleep(0.6)
        os.kill(own_redis.pid, signal.SIGCONT)
        await renewed(redis, before)
        await says(redis, heard, "1 acme")
