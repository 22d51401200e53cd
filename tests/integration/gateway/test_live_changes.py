"""Overrides take effect within a second, and nothing malformed does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.codec import encode
from gateway.contract.limits import Limit
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD, Override
from tests.integration.gateway.client import Answer, Client
from tests.integration.gateway.node import Node, eventually

StartNode = Callable[..., Awaitable[Node]]
CLIENT = unknown_client_id("key-1", DEFAULT_SECRET)
SOON_SECONDS = 1.0


def override(limit: Limit) -> str:
    return encode(Override(limit, by="test", at=1.0))


async def policy_is(client: Client, wanted: bytes) -> Answer:
    return await eventually(
        client.get, lambda answer: answer.value("RateLimit-Policy") == wanted, SOON_SECONDS
    )


async def test_an_override_holds_within_a_second_and_ends_within_one(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        assert (await client.get()).value("RateLimit-Policy") == b'"default";q=1000;w=60'

        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))
        await policy_is(client, b'"override";q=5;w=3600')

        await redis_client.hdel(keys.OVERRIDES, LIMIT_FIELD + CLIENT)
        await policy_is(client, b'"default";q=1000;w=60')


async def test_an_override_is_for_its_client_alone(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))
        await policy_is(client, b'"override";q=5;w=3600')
        other = await client.get(key=b"key-2")

    assert other.value("RateLimit-Policy") == b'"default";q=1000;w=60'


async def test_a_lower_limit_counts_what_was_admitted_before(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        for _ in range(5):
            await client.get()
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 60)))
        await eventually(client.get, lambda answer: answer.status == 429, SOON_SECONDS)


async def test_a_reset_lets_a_client_start_again_within_a_second(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node(default_limit="3/h")
    async with await node.connect() as client:
        assert [(await client.get()).status for _ in range(4)] == [200, 200, 200, 429]
        await redis_client.hincrby(keys.OVERRIDES, GENERATION_FIELD + CLIENT, 1)
        await eventually(client.get, lambda answer: answer.status == 200, SOON_SECONDS)
        assert [(await client.get()).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("text", ["5/m", "[" * 5000], ids=["no record", "no end"])
async def test_a_malformed_override_is_refused_told_once_and_the_last_good_one_stays(
    node: Node, redis_client: Redis, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]

    async def told() -> list[str]:
        return warnings()

    with caplog.at_level(logging.WARNING):
        async with await node.connect() as client:
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))
            await policy_is(client, b'"override";q=5;w=3600')
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, text)
            await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + "other", override(Limit(7, 3600)))
            await eventually(told, len, SOON_SECONDS)
            assert (await client.get()).value("RateLimit-Policy") == b'"override";q=5;w=3600'

    assert len(warnings()) == 1
    assert LIMIT_FIELD + CLIENT in warnings()[0]


async def test_overrides_hold_from_the_first_request_of_a_new_node(
    start_node: StartNode, redis_client: Redis
) -> None:
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))
    node = await start_node()
    async with await node.connect() as client:
        assert (await client.get()).value("RateLimit-Policy") == b'"override";q=5;w=3600'


async def test_a_hash_that_is_none_changes_nothing(start_node: StartNode, redis_client: Redis) -> None:
    await redis_client.set(keys.OVERRIDES, "oops")
    node = await start_node()
    async with await node.connect() as client:
        assert (await client.get()).status == 200
        await redis_client.delete(keys.OVERRIDES)
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))
        await policy_is(client, b'"override";q=5;w=3600')


async def test_all_nodes_take_a_change_over(start_node: StartNode, redis_client: Redis) -> None:
    nodes = [await start_node(node_id=f"node-{n}") for n in (1, 2)]
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(Limit(5, 3600)))

    async def sees(node: Node) -> None:
        async with await node.connect() as client:
            await policy_is(client, b'"override";q=5;w=3600')

    await asyncio.gather(*(sees(node) for node in nodes))
