"""Overrides take effect and end within a second on all nodes."""

import asyncio
import logging
import os
import signal

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD
from loadtest.redis_server import RedisServer
from subject.actions import edits
from subject.telemetry.redis_reads import redis_time
from tests.integration.gateway.client import Client
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.overridden import (
    CLIENT,
    FIVE,
    OVERRIDDEN,
    SOON_SECONDS,
    USUAL,
    StartNode,
    clients_of,
    override,
    policy_is,
    policy_is_everywhere,
    three_nodes,
)


async def subscribers(redis: Redis, number: int) -> None:
    """So many nodes listen to changes."""

    async def listening() -> int:
        ((_, listeners),) = await redis.pubsub_numsub(keys.CHANGES)
        return int(listeners)

    await eventually(listening, lambda listeners: listeners == number)


async def change_everything(redis: Redis, clients: list[Client]) -> None:
    """A raise, a reset and the raise's end, each by the subject's own hand and seen on all nodes in time."""
    actor = edits.Actor("ana", "a test")
    assert [(await clients[0].get()).status for _ in range(4)] == [200, 200, 200, 429]

    await edits.set_limit(redis, edits.LimitChange(CLIENT, FIVE, actor))
    await policy_is_everywhere(clients, OVERRIDDEN)
    statuses = [(await clients[-1].get()).status for _ in range(5)]
    assert statuses[-1] == 429  # the two places that the raise gave are taken

    await edits.reset(redis, CLIENT, actor)
    await asyncio.gather(
        *(eventually(client.get, lambda answer: answer.status == 200, SOON_SECONDS) for client in clients)
    )

    await edits.unset_limit(redis, CLIENT, actor)
    await policy_is_everywhere(clients, USUAL)


async def test_an_override_holds_within_a_second_and_ends_within_one(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        assert (await client.get()).value("RateLimit-Policy") == b'"default";q=1000;w=60'

        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))
        await policy_is(client, b'"override";q=5;w=3600')

        await redis_client.hdel(keys.OVERRIDES, LIMIT_FIELD + CLIENT)
        await policy_is(client, b'"default";q=1000;w=60')


async def test_an_override_is_for_its_client_alone(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))
        await policy_is(client, b'"override";q=5;w=3600')
        other = await client.get(key=b"key-2")

    assert other.value("RateLimit-Policy") == b'"default";q=1000;w=60'


async def test_a_lower_limit_counts_what_was_admitted_before(node: Node, redis_client: Redis) -> None:
    async with await node.connect() as client:
        for _ in range(5):
            await client.get()
        await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/m")))
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


async def test_overrides_hold_from_the_first_request_of_a_new_node(
    start_node: StartNode, redis_client: Redis
) -> None:
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))
    node = await start_node()
    async with await node.connect() as client:
        assert (await client.get()).value("RateLimit-Policy") == b'"override";q=5;w=3600'


async def test_all_nodes_take_a_change_over(start_node: StartNode, redis_client: Redis) -> None:
    nodes = [await start_node(node_id=f"node-{n}") for n in (1, 2)]
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(parse_limits("5/h")))

    async def sees(node: Node) -> None:
        async with await node.connect() as client:
            await policy_is(client, b'"override";q=5;w=3600')

    await asyncio.gather(*(sees(node) for node in nodes))


async def test_changes_hold_on_all_nodes_within_a_second_as_they_are_announced(
    start_node: StartNode, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.POLL_SECONDS", 3600.0)  # so that nothing comes by polling
    nodes = await three_nodes(start_node)
    await subscribers(redis_client, 3)
    async with clients_of(nodes) as clients:
        await change_everything(redis_client, clients)


async def test_changes_hold_on_all_nodes_within_a_second_where_nodes_may_not_subscribe(
    start_node: StartNode, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        await redis.acl_setuser(
            "node", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@all"], reset_channels=True
        )
        address = own_redis.url.removeprefix("redis://")
        with caplog.at_level(logging.WARNING):
            nodes = await three_nodes(start_node, redis_url=f"redis://node:secret@{address}")
            async with clients_of(nodes) as clients:
                await change_everything(redis, clients)
                await subscribers(redis, 0)
    told = [one.getMessage() for one in caplog.records if "not heard of at once" in one.getMessage()]
    assert len(told) == 3


async def test_changes_hold_on_all_nodes_within_a_second_while_subscriptions_are_lost(
    start_node: StartNode, redis_client: Redis
) -> None:
    nodes = await three_nodes(start_node)
    await subscribers(redis_client, 3)

    async def cut() -> None:
        while True:
            await redis_client.client_kill_filter(_type="pubsub")
            await asyncio.sleep(0.02)

    async with clients_of(nodes) as clients:
        cutting = asyncio.create_task(cut())
        await change_everything(redis_client, clients)
        cutting.cancel()
    await subscribers(redis_client, 3)


async def test_a_limit_for_a_time_ends_on_all_nodes_by_itself(
    start_node: StartNode, redis_client: Redis
) -> None:
    nodes = await three_nodes(start_node)
    until = await redis_time(redis_client) + 1.5
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(FIVE, until))
    async with clients_of(nodes) as clients:
        await policy_is_everywhere(clients, OVERRIDDEN)
        for client in clients:
            held = (await client.get()).value("RateLimit-Policy")
            assert held == OVERRIDDEN or await redis_time(redis_client) > until - 0.1
        await asyncio.sleep(until - await redis_time(redis_client))
        await policy_is_everywhere(clients, USUAL)
    assert await redis_client.hexists(keys.OVERRIDES, LIMIT_FIELD + CLIENT)


async def test_a_limit_for_a_time_ends_though_redis_is_away(
    start_node: StartNode, own_redis: RedisServer
) -> None:
    async with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        node = await start_node(default_limit="3/h", redis_url=own_redis.url, store_deadline=0.05)
        until = await redis_time(redis) + 1.0
        await redis.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, override(FIVE, until))
        async with await node.connect() as client:
            await policy_is(client, OVERRIDDEN)
            left_seconds = until - await redis_time(redis)
            os.kill(own_redis.pid, signal.SIGKILL)
            await asyncio.sleep(left_seconds)
            await policy_is(client, USUAL)


async def test_a_node_publishes_up_to_which_change_it_has_taken_over_and_since_when(
    start_node: StartNode, redis_client: Redis
) -> None:
    node = await start_node()
    assert (await node.record()).overrides.version == 0
    await subscribers(redis_client, 1)
    for version in (1, 2):
        done = await edits.set_limit(redis_client, edits.LimitChange(CLIENT, FIVE, edits.Actor("ana")))
        assert done.version == version
        record = await eventually(node.record, lambda seen, wanted=version: seen.overrides.version == wanted)  # type: ignore[misc] # bound at once
        taken_at = record.overrides.taken_at
        assert taken_at is not None
        assert -0.1 < taken_at - done.at < 2

    await redis_client.hincrby(keys.OVERRIDES, "version", 5)  # announced by nobody
    await eventually(node.record, lambda seen: seen.overrides.version == 7)
