"""Several nodes' limiters on one real Redis."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys, window
from gateway.contract.limits import Limit
from gateway.limiter.limiter import Limiter
from tests.integration.gateway.limiter.node import KEY, TEN, decide, limiter_node, settles_at


async def burst(limiters: list[Limiter], limit: Limit, requests: int, generation: int = 0) -> int:
    """How many of `requests` that arrive at once, in turn at each limiter, are admitted."""
    calls = [decide(limiters[i % len(limiters)], "acme", limit, generation) for i in range(requests)]
    return sum(status is not None and status.admitted for status in await asyncio.gather(*calls))


async def test_three_nodes_admit_the_limit_between_them_and_give_the_rest_back(
    redis_url: str, redis_client: Redis
) -> None:
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b, limiter_node(redis_url) as c:
        limiters = [a.limiter, b.limiter, c.limiter]
        admitted = await burst(limiters, TEN, 100)
        await settles_at(redis_client, admitted)
        # While refused units are on their way back others may be refused for their places, so a burst may
        # admit fewer, and what is left is there afterwards.
        admitted += await burst([a.limiter], TEN, TEN.quota)
    assert admitted == TEN.quota
    await settles_at(redis_client, TEN.quota)


async def hincrby_calls(redis: Redis) -> int:
    return int((await redis.info("commandstats")).get("cmdstat_hincrby", {"calls": 0})["calls"])


async def test_one_turn_of_the_event_loop_is_one_pipeline(redis_url: str, redis_client: Redis) -> None:
    async with limiter_node(redis_url) as node:
        before = await hincrby_calls(redis_client)
        assert await burst([node.limiter], Limit(100, 60), 50) == 50
        assert await hincrby_calls(redis_client) - before == 1


async def test_a_key_expires_when_nothing_in_it_counts_any_more(redis_url: str, redis_client: Redis) -> None:
    async with limiter_node(redis_url) as node:
        await decide(node.limiter, "acme", TEN)
        lifetime = await redis_client.pttl(KEY)
    assert 0 <= window.key_lifetime_ms(60) - lifetime < 1000


async def test_a_reset_gives_the_client_an_empty_window_at_once(redis_url: str, redis_client: Redis) -> None:
    async with limiter_node(redis_url) as node:
        assert await burst([node.limiter], TEN, 10) == 10
        assert await burst([node.limiter], TEN, 1) == 0
        assert await burst([node.limiter], TEN, 1, generation=1) == 1
    await settles_at(redis_client, 10)
    await settles_at(redis_client, 1, keys.window("acme", keys.CLIENT_SCOPE, 60, 1))


async def test_dead_sub_intervals_are_deleted(redis_url: str, redis_client: Redis) -> None:
    await redis_client.hset(KEY, mapping={"5": 3, "6": 4})
    async with limiter_node(redis_url) as node:
        assert await burst([node.limiter], TEN, 1) == 1
        await settles_at(redis_client, 1)
    assert len(await redis_client.hgetall(KEY)) == 1


@pytest.mark.parametrize("turns", range(8))
async def test_a_request_whose_client_left_gives_its_unit_back(
    redis_url: str, redis_client: Redis, turns: int
) -> None:
    """Before its command is sent, while it is under way, or with the answer there."""
    async with limiter_node(redis_url) as node:
        leaving = asyncio.create_task(decide(node.limiter, "acme", TEN, 0))
        stays = asyncio.create_task(decide(node.limiter, "acme", TEN, 0))
        for _ in range(turns):
            await asyncio.sleep(0)
        left = leaving.cancel()
        assert (await stays) is not None
        await settles_at(redis_client, 1 if left else 2)


async def test_a_node_that_is_late_itself_does_not_take_redis_for_slow(redis_url: str) -> None:
    """An overloaded event loop fires the timer before it reads the answer that has long been there."""
    async with limiter_node(redis_url, deadline_seconds=0.5, on_failure="local") as node:
        admitted = 0
        for _ in range(3):
            deciding = asyncio.create_task(decide(node.limiter, "acme", TEN, 0))
            for _ in range(2):  # of the event loop, until the query is sent; a delay can end before that
                await asyncio.sleep(0)
            time.sleep(0.6)  # noqa: ASYNC251 - the lateness that the test is about
            status = await deciding
            admitted += status is not None and status.admitted
    assert (admitted, node.counters.store_fallbacks) == (3, 0)


async def test_decisions_are_exact_however_many_clients_there_are(redis_url: str) -> None:
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b:

        async def admitted(client: str) -> int:
            calls = [decide(node.limiter, client, TEN, 0) for node in (a, b) for _ in range(3)]
            return sum(status is not None and status.admitted for status in await asyncio.gather(*calls))

        assert await asyncio.gather(*(admitted(f"client-{i}") for i in range(200))) == [6] * 200


async def test_a_hammering_client_gets_its_limit_in_each_window(redis_url: str) -> None:
    limit, seconds = Limit(20, 1), 3.2
    async with limiter_node(redis_url) as a, limiter_node(redis_url) as b:
        admissions: list[float] = []
        end = monotonic() + seconds

        async def hammer(limiter: Limiter) -> None:
            while monotonic() < end:
                status = await decide(limiter, "acme", limit, 0)
                if status is not None and status.admitted:
                    admissions.append(monotonic())

        await asyncio.gather(*(hammer(node.limiter) for node in (a, b) for _ in range(2)))
    assert len(admissions) >= 0.9 * limit.quota * (seconds // 1)
