"""What more than one test of the subject needs: a client of a Redis of its own, and who asks by HTTP."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from loadtest import redis_server


@pytest.fixture
async def own_client(own_redis: redis_server.RedisServer) -> AsyncIterator[Redis]:
    """A client of it."""
    async with Redis.from_url(own_redis.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """Asks the dashboard."""
    async with ClientSession() as session:
        yield session
