"""What more than one test of the subject needs: a Redis that it may stop, a service, and who asks by HTTP."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from loadtest import redis_server
from tests.integration.gateway.upstream import Upstream


@pytest.fixture
def own_redis() -> Iterator[redis_server.RedisServer]:
    """A server that the test may kill or pause."""
    with redis_server.running() as server:
        yield server


@pytest.fixture
async def own_client(own_redis: redis_server.RedisServer) -> AsyncIterator[Redis]:
    """A client of it."""
    async with Redis.from_url(own_redis.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A service behind real nodes."""
    async with Upstream() as started:
        yield started


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """Asks the dashboard."""
    async with ClientSession() as session:
        yield session
