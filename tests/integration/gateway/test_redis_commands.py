"""How many Redis commands a request costs."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from tests.integration.gateway.node import Node

StartNode = Callable[..., Awaitable[Node]]

REQUESTS = 200


async def commands(redis: Redis) -> int:
    """How many Redis has worked on, but for those that ask for this number."""
    stats = await redis.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if name not in ("cmdstat_info", "cmdstat_ping"))


@pytest.mark.parametrize(("limit", "status", "most"), [("1000000/m", 200, 5.4), ("1/h", 429, 0.4)])
async def test_a_request_asks_redis_for_so_many_commands(
    start_node: StartNode, redis_client: Redis, limit: str, status: int, most: float
) -> None:
    """Alone: TIME twice, HINCRBY, HMGET and PEXPIRE. A refusal is remembered for a quarter of a second."""
    node = await start_node(default_limit=limit)
    async with await node.connect() as client:
        await client.get(key=b"k")
        before = await commands(redis_client)
        for _ in range(REQUESTS):
            assert (await client.get(key=b"k")).status == status

    asked = (await commands(redis_client) - before) / REQUESTS
    assert asked <= most, f"{asked:.2f} commands a request"
