"""What a node remembers of a refusal, and how little that holds anybody up."""

import asyncio

from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit
from tests.decided import decided
from tests.integration.gateway.limiter.node import LimiterNode, decide, limiter_node, settles_at

TEN = Limit(10, 86_400)
KEY = keys.window("acme", keys.CLIENT_SCOPE, 86_400, 0)


async def is_admitted(node: LimiterNode, limit: Limit = TEN, generation: int = 0) -> bool:
    status = await decide(node.limiter, "acme", limit, generation)
    return status is not None and status.admitted


async def exhaust(node: LimiterNode) -> None:
    """Use the window up, and be refused by Redis and then from memory."""
    assert [await is_admitted(node) for _ in range(11)] == [True] * 10 + [False]
    for _ in range(100):
        if node.counters.store_remembered:
            return
        assert not await is_admitted(node)
    raise AssertionError("nothing is remembered")


async def test_a_refusal_from_memory_is_told_like_one_by_redis_and_nothing_of_it_is_counted(
    redis_url: str, redis_client: Redis
) -> None:
    async with limiter_node(redis_url) as node:
        await exhaust(node)
        by_redis = node.counters.store_decisions
        status = await decide(node.limiter, "acme", TEN)
        assert status is not None
        assert (status.admitted, status.remaining) == (False, 0)
        assert TEN.period_seconds <= status.wait_seconds < 1.1 * TEN.period_seconds
        assert node.counters.store_decisions + node.counters.store_remembered >= by_redis + 2
        await settles_at(redis_client, 10, KEY)


async def test_a_raised_quota_is_effective_at_once(redis_url: str) -> None:
    raised = Limit(11, TEN.period_seconds)
    async with limiter_node(redis_url) as node:
        await exhaust(node)
        assert await is_admitted(node, raised)
        assert not await is_admitted(node, raised)


async def test_a_new_generation_is_effective_at_once(redis_url: str) -> None:
    async with limiter_node(redis_url) as node:
        await exhaust(node)
        assert await is_admitted(node, generation=1)


async def test_a_smaller_cost_than_was_refused_is_asked_about(redis_url: str) -> None:
    async with limiter_node(redis_url) as node:
        for cost, admitted in [(6, True), (6, False), (5, False), (4, True)]:
            statuses = await decided(node.limiter, [Hit(KEY, TEN, cost)])
            assert statuses is not None
            assert statuses[0].admitted is admitted


async def test_every_node_asks_redis_by_itself_before_it_refuses_from_memory(redis_url: str) -> None:
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b:
        await exhaust(a)
        assert not await is_admitted(b)
        assert (b.counters.store_decisions, b.counters.store_remembered) == (1, 0)


async def test_places_that_come_back_are_given_out_soon_whatever_a_node_remembers(
    redis_url: str, redis_client: Redis
) -> None:
    async with limiter_node(redis_url) as node:
        await exhaust(node)
        await redis_client.delete(KEY)
        until = monotonic() + 5
        while not await is_admitted(node):
            assert monotonic() < until
            await asyncio.sleep(0.005)
