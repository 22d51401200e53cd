"""Redis loses counts while refunds for them are pending: FLUSHALL, or an eviction."""

import asyncio

import pytest
from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit
from gateway.limiter.frame import Command, pack
from gateway.limiter.limiter import Limiter
from tests.decided import decided
from tests.integration.gateway.limiter.node import (
    decide,
    limiter_node,
    settles_at,
    standing_units,
)
from tests.raw_redis import RawRedis

HUNDRED = Limit(100, 60)
KEY = keys.window("acme", keys.CLIENT_SCOPE, 60, 0)
ATTEMPTS = 10
LOSSES: list[Command] = [("FLUSHALL",), ("DEL", KEY)]


async def lose_while_refunds_are_pending(limiters: list[Limiter], redis_url: str, loss: Command) -> bool:
    """Each limiter rejects many requests of cost 100, and the counts are lost before the refunds.

    Returns whether refunds were pending: on a busy machine all may have been sent before.
    """
    hit = Hit(KEY, HUNDRED, 100)
    calls = [decided(limiter, [hit]) for limiter in limiters for _ in range(61)]
    await asyncio.gather(*calls)
    # No turn of the event loop is in between, so the refunds have not been sent.
    with RawRedis(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as redis:
        (counts,) = redis.call(pack(("HVALS", KEY)), 1)
        redis.call(pack(loss), 1)
    return sum(map(int, counts)) > HUNDRED.quota


async def admitted(limiter: Limiter, requests: int) -> int:
    statuses = [await decide(limiter, "acme", HUNDRED) for _ in range(requests)]
    return sum(status is not None and status.admitted for status in statuses)


@pytest.mark.parametrize("loss", LOSSES, ids=["flush", "eviction"])
async def test_refunds_of_lost_counts_do_not_raise_the_limit(
    redis_url: str, redis_client: Redis, loss: Command
) -> None:
    for _ in range(ATTEMPTS):
        async with limiter_node(redis_url) as rejecting, limiter_node(redis_url) as other:
            if not await lose_while_refunds_are_pending([rejecting.limiter], redis_url, loss):
                continue
            await has_refunds(redis_client)
            await settles_at(redis_client, 0)
            assert await admitted(other.limiter, 500) == 100
            await settles_at(redis_client, 100)
            return
    pytest.fail("no refund was pending at the loss, in any attempt")


@pytest.mark.parametrize("loss", LOSSES, ids=["flush", "eviction"])
async def test_three_nodes_that_refund_lost_counts_at_once_do_not_raise_the_limit(
    redis_url: str, redis_client: Redis, loss: Command
) -> None:
    async with (
        limiter_node(redis_url) as a,
        limiter_node(redis_url) as b,
        limiter_node(redis_url) as c,
        limiter_node(redis_url) as other,
    ):
        await lose_while_refunds_are_pending([a.limiter, b.limiter, c.limiter], redis_url, loss)
        assert await admitted(other.limiter, 500) <= 100
        await settles_at_least_at_zero(redis_client)


async def has_refunds(redis: Redis) -> None:
    deadline = monotonic() + 5
    while not await redis.exists(KEY):
        assert monotonic() < deadline, "no refund comes"
        await asyncio.sleep(0.005)


async def settles_at_least_at_zero(redis: Redis) -> None:
    deadline = monotonic() + 5
    while (units := await standing_units(redis, KEY)) < 0:
        assert monotonic() < deadline, f"{units} stand"
        await asyncio.sleep(0.005)


async def test_a_count_that_stays_below_zero_is_repaired_by_the_node_that_needs_it(
    redis_url: str, redis_client: Redis
) -> None:
    """As after a refund by a node that has ended since, or by one of an earlier version."""
    async with limiter_node(redis_url, deadline_seconds=1.0) as node:
        seconds, _ = await redis_client.time()
        await redis_client.hset(KEY, mapping={str(number): -50 for number in range(seconds - 2, seconds + 4)})
        assert await admitted(node.limiter, 1) == 1
    assert await redis_client.hget(KEY, str(seconds - 1)) == "0"
