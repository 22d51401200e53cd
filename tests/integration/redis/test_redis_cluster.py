"""What a Redis Cluster would find ready, and what a node does where it meets one: it is not supported."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import Limit
from loadtest import redis_server
from loadtest.ports import free_port
from tests.integration.gateway.limiter.node import decide, limiter_node

SLOTS = 16_384
PATIENCE_SECONDS = 20.0


@pytest.fixture
async def shard() -> AsyncIterator[tuple[str, Redis]]:
    """A server of a cluster, which has the first half of all slots."""
    options = (
        "--cluster-enabled",
        "yes",
        "--cluster-require-full-coverage",
        "no",
        "--cluster-port",
        str(free_port()),
    )
    with redis_server.running(*options) as server:
        async with Redis.from_url(server.url) as redis:
            await cluster(redis, "ADDSLOTSRANGE", 0, SLOTS // 2 - 1)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await serves(redis):  # noqa: ASYNC110 - another process sets no Event
                    await asyncio.sleep(0.05)
            yield server.url, redis


async def cluster(redis: Redis, *words: str | int) -> Any:
    return await redis.execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]  # not typed there


async def serves(redis: Redis) -> bool:
    """A server of a cluster refuses all keys for a while after it got its slots."""
    told: bytes = await cluster(redis, "INFO")
    return b"cluster_state:ok" in told


async def slot(redis: Redis, key: str) -> int:
    found: int = await cluster(redis, "KEYSLOT", key)
    return found


async def test_all_windows_of_a_client_are_in_one_slot(shard: tuple[str, Redis]) -> None:
    _, redis = shard
    for client in ("acme", "k_0123456789abcdef", "2001:db8:1:2::/64"):
        windows = [
            keys.window(client, scope, seconds, generation)
            for scope in (keys.CLIENT_SCOPE, keys.ADDRESS_SCOPE, keys.route_scope("search"))
            for seconds in (1, 60, 86_400)
            for generation in (0, 7)
        ]

        assert {await slot(redis, key) for key in windows} == {await slot(redis, client)}


async def test_a_node_counts_by_the_slots_that_its_server_has_and_decides_alone_without(
    shard: tuple[str, Redis],
) -> None:
    url, redis = shard
    slots = {client: await slot(redis, client) for client in map("client-{}".format, range(20))}
    here = next(client for client in slots if slots[client] < SLOTS // 2)
    elsewhere = next(client for client in slots if slots[client] >= SLOTS // 2)
    async with limiter_node(url, on_failure="local") as node:
        await decide(node.limiter, here, Limit(10, 60))
        assert (node.counters.store_decisions, node.counters.store_fallbacks) == (1, 0)

        await decide(node.limiter, elsewhere, Limit(10, 60))
        assert (node.counters.store_decisions, node.counters.store_fallbacks) == (1, 1)
