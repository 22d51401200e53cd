"""A Redis that answers, and refuses to count: for one client, for all, or since it is not the one to ask."""

import asyncio

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from loadtest import redis_server
from loadtest.ports import free_port
from tests.integration.gateway.limiter.node import (
    KEY,
    TEN,
    LimiterNode,
    decide,
    eventually,
    limiter_node,
    settles_at,
)
from tests.integration.gateway.node import eventually as eventually_reads

POSTING_COMMANDS = 3


async def admitted(node: LimiterNode, requests: int, client: str = "acme") -> int:
    statuses = [await decide(node.limiter, client, TEN) for _ in range(requests)]
    return sum(status is not None and status.admitted for status in statuses)


async def errors(redis: Redis, kind: str) -> int:
    """How many errors of a kind it has answered."""
    stats = await redis.info("errorstats")
    return int(stats.get(f"errorstat_{kind}", {"count": 0})["count"])


async def test_a_full_redis_is_not_asked_and_decides_again_when_it_has_room() -> None:
    with redis_server.running("--maxmemory-policy", "noeviction") as server:
        async with (
            limiter_node(server.url, on_failure="local", nodes=2) as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            assert await admitted(node, 4) == 4
            await redis.config_set("maxmemory", 1)
            assert await admitted(node, 1) == 1
            assert not node.store.connected
            assert await admitted(node, 9) == (10 - 4) // 2 - 1
            await redis.config_set("maxmemory", 0)
            await eventually(lambda: node.store.connected)
            assert await admitted(node, 9) == 3
            await settles_at(redis, TEN.quota)


async def test_a_full_redis_is_an_outage_and_tried_ever_more_rarely() -> None:
    with redis_server.running("--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        async with (
            limiter_node(server.url, on_failure="open") as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            until = asyncio.get_running_loop().time() + 1
            while asyncio.get_running_loop().time() < until:
                assert await decide(node.limiter, "acme", TEN) is None
                await asyncio.sleep(0.002)
            refused = await errors(redis, "OOM")
    assert 2 <= refused <= 10


@pytest.mark.parametrize("damage", [("SET", KEY, "text"), ("RPUSH", KEY, "text")], ids=["a string", "a list"])
async def test_a_key_of_another_type_is_its_clients_alone(
    redis_url: str, redis_client: Redis, damage: tuple[str, ...]
) -> None:
    async with limiter_node(redis_url, on_failure="local", nodes=2) as node:
        assert await admitted(node, 1, "other") == 1
        await redis_client.execute_command(*damage)  # type: ignore[no-untyped-call] # redis-py's own
        calls = [decide(node.limiter, client, TEN) for _ in range(9) for client in ("acme", "other")]
        statuses = await asyncio.gather(*calls)
        assert [status is not None and status.admitted for status in statuses[1::2]] == [True] * 9
        assert await admitted(node, 9, "other") == 0
        assert node.store.connected
        assert sum(status is not None and status.admitted for status in statuses[0::2]) == 5
        assert node.counters.store_damaged >= 1

        await redis_client.delete(KEY)
        await settles_at(redis_client, 0)
        assert await admitted(node, 1) == 1


async def test_fields_of_one_client_that_no_node_wrote_are_its_own_alone(
    redis_url: str, redis_client: Redis
) -> None:
    async with limiter_node(redis_url, on_failure="closed") as node:
        number = await current_number(redis_client)
        for field, value in [("note", "x"), (str(number - 9), "9" * 30), (str(number - 8), "no number")]:
            await redis_client.hset(KEY, field, value)
        assert await admitted(node, 3) == 0
        assert await admitted(node, 11, "other") == 10
        assert node.store.connected


async def current_number(redis: Redis) -> int:
    """The sub-interval at hand, of a minute."""
    seconds, _ = await redis.time()
    return int(seconds)


async def test_a_replica_is_left_and_asked_for_again() -> None:
    with redis_server.running() as master:
        where = ("--replicaof", "127.0.0.1", str(master.port))
        with redis_server.running(*where) as server:
            async with (
                limiter_node(server.url, on_failure="closed") as node,
                Redis.from_url(server.url, decode_responses=True) as redis,
            ):
                with pytest.raises(StoreUnavailable, match="READONLY"):
                    await decide(node.limiter, "acme", TEN)
                await eventually(lambda: not node.store.connected)
                await redis.slaveof()
                await eventually(lambda: node.store.connected)
                assert await admitted(node, 11) == 10


async def test_postings_that_a_full_redis_refuses_are_not_sent_again_at_once() -> None:
    port = free_port()
    async with limiter_node(f"redis://127.0.0.1:{port}/0", on_failure="local") as node:
        for number in range(300):
            await decide(node.limiter, f"client-{number}", TEN)
        with redis_server.running(
            "--maxmemory", "1", "--maxmemory-policy", "noeviction", port=port
        ) as server:
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                await asyncio.sleep(1.5)
                assert 0 < await errors(redis, "OOM") < 300 * 60
                assert node.counters.store_posted == 0
                await redis.config_set("maxmemory", 0)
                await eventually(lambda: node.counters.store_posted == 300)
                assert node.backlog.pending == 0
                assert await redis.dbsize() == 300


async def test_a_replica_that_refuses_postings_is_left() -> None:
    port = free_port()
    async with limiter_node(f"redis://127.0.0.1:{port}/0", on_failure="local") as node:
        for number in range(300):
            await decide(node.limiter, f"client-{number}", TEN)
        with (
            redis_server.running() as master,
            redis_server.running("--replicaof", "127.0.0.1", str(master.port), port=port) as server,
        ):
            async with Redis.from_url(server.url, decode_responses=True) as redis:

                async def connections() -> int:
                    return int((await redis.info("stats"))["total_connections_received"])

                await eventually_reads(connections, lambda count: count > 10)
                assert not node.store.connected
                assert 0 < await errors(redis, "READONLY") <= 300 * POSTING_COMMANDS * await connections()
