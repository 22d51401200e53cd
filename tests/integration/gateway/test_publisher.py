"""A publisher with no node around it: its end, its id, its history, and what it says of evictions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from gateway.clock import RedisClock
from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import HISTORY_TOP_CLIENTS, LiveChanges, Reloads
from gateway.telemetry.counters import Counters
from gateway.telemetry.publisher import NodeInfo, Publisher, Recorder, Roster
from tests.integration.gateway.published import entry, records

TABLE = PolicyTable(parse_limits("100/m"), "accept", "local", {}, {})


def publishing(redis: Redis) -> Publisher:
    """The publisher of a node that does nothing else."""
    node = NodeInfo("node-1", "10.0.0.1:8080", "10.0.0.1:9080", "0.1.0", "0" * 16)
    counters = Counters()
    for number in range(30):
        counters.clients.count(f"client-{number}", refused=True)
    recorder = Recorder(
        node, counters, RedisClock(), lambda: 0.0, lambda: True, lambda: "", LiveChanges, Reloads
    )
    return Publisher(redis, recorder, TABLE, Roster(redis, "node-1"))


@pytest.mark.parametrize("final_last", [True, False])
async def test_nothing_is_published_after_the_final_record(redis_client: Redis, final_last: bool) -> None:
    """Whichever of both is begun first: else a node that left in order would be missed."""
    publisher = publishing(redis_client)
    await publisher.publish()

    both = [publisher.publish(), publisher.publish_leaving()]
    await asyncio.gather(*(both if final_last else reversed(both)))
    await publisher.publish()

    assert (await records(redis_client))[-1].leaving
    assert (await entry(redis_client)).last.leaving


async def test_two_that_write_under_one_id_say_so_once_each(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    two = [publishing(redis_client), publishing(redis_client)]
    for _ in range(8):
        for publisher in two:
            await publisher.publish()

    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("another gateway writes as node-1 (at 10.0.0.1:8080, boot ")
    assert second.startswith("another gateway writes as node-1 (at 10.0.0.1:8080, boot ")
    assert first != second


async def test_one_that_replaces_another_which_leaves_late_says_nothing(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = publishing(redis_client), publishing(redis_client)
    await old.publish()
    for publisher in (new, old, new):
        await publisher.publish()
    await old.publish_leaving()
    for _ in range(4):
        await new.publish()

    assert caplog.records == []


async def test_each_tenth_record_is_kept_for_hours_with_less_about_clients(redis_client: Redis) -> None:
    publisher = publishing(redis_client)
    for _ in range(25):
        await publisher.publish()

    kept = await records(redis_client, keys.HISTORY)
    assert [record.sequence for record in kept] == [10, 20]
    assert all(len(record.busiest) == len(record.most_refused) == HISTORY_TOP_CLIENTS for record in kept)
    assert len((await records(redis_client))[-1].busiest) == 20


async def test_a_record_tells_how_many_keys_redis_has_evicted(redis_client: Redis) -> None:
    publisher = publishing(redis_client)
    used: Any = await redis_client.info("memory")
    before: Any = await redis_client.info("stats")
    try:
        await redis_client.config_set("maxmemory-policy", "volatile-lru")
        await redis_client.config_set("maxmemory", used["used_memory"] + 200_000)
        for number in range(200):
            await redis_client.set(f"filling-{number}", "x" * 5000, ex=100)
        for _ in range(2):
            await publisher.publish()
    finally:
        await redis_client.config_set("maxmemory", 0)
        await redis_client.config_set("maxmemory-policy", "noeviction")

    first, second = await records(redis_client)
    assert first.store.evicted is None
    assert second.store.evicted is not None
    assert second.store.evicted > before["evicted_keys"]


async def test_a_node_that_may_not_ask_for_that_publishes_all_else(
    redis_client: Redis, redis_url: str
) -> None:
    await redis_client.acl_setuser(
        "shy", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-info"]
    )
    shy = Redis.from_url(redis_url.replace("redis://", "redis://shy:none@"), decode_responses=True)
    publisher = publishing(shy)
    try:
        for _ in range(2):
            await publisher.publish()
    finally:
        await shy.aclose()
        await redis_client.acl_deluser("shy")

    assert [record.store.evicted for record in await records(redis_client)] == [None, None]


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data.replace(b"evicted_keys", b"another_name"))
        await writer.drain()
    writer.close()


@asynccontextmanager
async def that_tells_no_evictions(redis_url: str) -> AsyncIterator[Redis]:
    """By way of a server whose statistics have no such line, as those of some that are not Redis itself."""
    redis = urlsplit(redis_url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection(redis.hostname, redis.port)
        await asyncio.gather(pass_on(reader, to_redis), pass_on(from_redis, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = Redis.from_url(redis._replace(netloc=f"127.0.0.1:{port}").geturl(), decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()


async def test_a_node_whose_redis_does_not_tell_that_publishes_all_else(
    redis_client: Redis, redis_url: str
) -> None:
    async with that_tells_no_evictions(redis_url) as client:
        publisher = publishing(client)
        for _ in range(2):
            await publisher.publish()

    assert [record.store.evicted for record in await records(redis_client)] == [None, None]
