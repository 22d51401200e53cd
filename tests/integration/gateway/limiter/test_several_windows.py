"""Requests that need room in several windows, on a real Redis."""

import asyncio

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.limiter import decision
from gateway.limiter.decision import Hit
from gateway.limiter.limiter import Limiter
from tests.decided import decided
from tests.integration.gateway.limiter.node import limiter_node, settles_at

MINUTE, HOUR = Limit(10, 60), Limit(25, 3600)


def hit(limit: Limit, cost: int = 1, *, scope: str = keys.CLIENT_SCOPE, shadow: bool = False) -> Hit:
    return Hit(keys.window("acme", scope, limit.period_seconds, 0), limit, cost, shadow)


async def passes(limiter: Limiter, *hits: Hit) -> bool:
    statuses = await decided(limiter, hits)
    return statuses is not None and decision.admits(hits, statuses)


async def test_two_nodes_admit_what_the_narrowest_window_allows_and_take_it_of_every_window(
    redis_url: str, redis_client: Redis
) -> None:
    minute, hour, route = hit(MINUTE), hit(HOUR), hit(Limit(12, 60), scope="route")
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b:
        calls = [passes(node.limiter, minute, hour, route) for _ in range(40) for node in (a, b)]
        admitted = sum(await asyncio.gather(*calls))
        for each in (minute, hour, route):
            await settles_at(redis_client, admitted, each.key)
        for _ in range(MINUTE.quota - admitted):
            assert await passes(a.limiter, minute, hour, route)
        assert not await passes(b.limiter, minute, hour, route)
        for each in (minute, hour, route):
            await settles_at(redis_client, MINUTE.quota, each.key)


async def test_what_a_refused_request_took_of_other_windows_is_there_for_those_that_need_no_more(
    redis_url: str, redis_client: Redis
) -> None:
    minute, hour = hit(MINUTE), hit(HOUR)
    async with limiter_node(redis_url) as node:
        assert [await passes(node.limiter, minute, hour) for _ in range(20)] == [True] * 10 + [False] * 10
        await settles_at(redis_client, 10, hour.key)
        assert [await passes(node.limiter, hour) for _ in range(20)] == [True] * 15 + [False] * 5
        await settles_at(redis_client, HOUR.quota, hour.key)
        await settles_at(redis_client, MINUTE.quota, minute.key)


async def test_a_cost_is_taken_of_every_window_and_given_back_as_a_whole(
    redis_url: str, redis_client: Redis
) -> None:
    minute, hour = hit(MINUTE, 4), hit(HOUR, 4)
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b:
        admitted = [await passes(node.limiter, minute, hour) for node in (a, b, a, b)]
        assert admitted == [True, True, False, False]
        await settles_at(redis_client, 8, minute.key)
        await settles_at(redis_client, 8, hour.key)
        assert await passes(b.limiter, hit(MINUTE, 2))


async def test_a_window_in_shadow_counts_up_to_its_limit_and_refuses_nobody(
    redis_url: str, redis_client: Redis
) -> None:
    shadow, hour = hit(MINUTE, shadow=True), hit(HOUR)
    async with limiter_node(redis_url) as node:
        assert [await passes(node.limiter, shadow, hour) for _ in range(30)] == [True] * 25 + [False] * 5
        await settles_at(redis_client, MINUTE.quota, shadow.key)
        await settles_at(redis_client, HOUR.quota, hour.key)
