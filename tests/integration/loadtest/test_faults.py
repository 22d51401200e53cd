"""Each fault on a real cluster: it is there, and afterwards all is as before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RosterEntry, TelemetryRecord, decode
from loadtest import cluster, delay_proxy, redis_server
from loadtest.cluster import Node
from loadtest.faults import Site, injected
from loadtest.scenarios.fault import (
    NodeFrozen,
    NodeKilled,
    NodeRestarted,
    NodeTwice,
    OverrideMalformed,
    RedisFrozen,
    RedisFull,
    RedisKilled,
    RedisSlow,
    UpstreamTroubled,
)

SOON_SECONDS = 10.0


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A node, with a proxy between it and Redis."""
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(AsyncExitStack())
        server = await servers.enter_async_context(redis_server.running_beside())
        proxy = await stack.enter_async_context(delay_proxy.running("127.0.0.1", server.port))
        way = {"node-1": {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}}
        plan = cluster.Plan(nodes=1, redis_url=server.url, environments_by_node=way)
        yield Site(await stack.enter_async_context(cluster.running(plan)), server, {"node-1": proxy}, servers)


async def state(node: Node) -> RosterEntry:
    async with aiohttp.ClientSession() as http, http.get(f"{node.admin_url}/state") as answer:
        return decode(RosterEntry, await answer.read())


async def get(node: Node, timeout_seconds: float = 5.0) -> tuple[int, str]:
    """Status and policy of a request's answer; status 0 without an answer in time."""
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(node.url, headers={"X-API-Key": "k"}) as answer,
        ):
            await answer.read()
            return answer.status, answer.headers.get("RateLimit-Policy", "")
    except (TimeoutError, aiohttp.ClientError):
        return 0, ""


async def test_a_node_that_is_killed_is_another_boot_at_the_same_addresses_afterwards() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        before = await state(node)
        async with injected(NodeKilled(node.id), there):
            assert node.child.has_ended()
            assert await get(node) == (0, "")
        after = await state(node)
        assert (after.address, after.admin_address) == (before.address, before.admin_address)
        assert after.last.boot_id != before.last.boot_id


async def test_a_node_is_restarted_with_other_settings_and_then_with_its_own() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        _, own = await get(node)
        async with injected(NodeRestarted(node.id, (("GATEWAY_DEFAULT_LIMIT", "7/10s"),)), there):
            assert await get(node) == (200, '"default";q=7;w=10')
        assert await get(node) == (200, own)


async def test_a_node_restarted_with_its_own_settings_is_restarted_once() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        before = (await state(node)).last.boot_id
        async with injected(NodeRestarted(node.id), there):
            during = (await state(node)).last.boot_id
        assert before != during == (await state(node)).last.boot_id


async def test_a_frozen_node_does_not_answer_and_then_does() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        async with injected(NodeFrozen(node.id), there):
            assert (await get(node, timeout_seconds=1.0))[0] == 0
        assert (await get(node))[0] == 200


async def test_two_write_under_one_id_and_then_one() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        async with injected(NodeTwice(node.id), there), Redis.from_url(there.redis.url) as redis:
            await asyncio.sleep(2.5)  # each publishes once a second
            written: Any = await redis.xrange(keys.TELEMETRY)
            boots = {decode(TelemetryRecord, fields[b"record"]).boot_id for _, fields in written}
            assert len(boots) == 2
        assert (await state(node)).last.boot_id in boots


async def test_redis_is_late_for_the_nodes_that_are_named() -> None:
    async with site() as there:
        async with injected(RedisSlow(0.03, ("node-1",)), there):
            assert there.proxies["node-1"].delay_seconds == 0.03
        assert there.proxies["node-1"].delay_seconds == 0.0


async def test_a_frozen_redis_keeps_its_data_and_one_that_is_killed_does_not() -> None:
    async with site() as there:
        async with Redis.from_url(there.redis.url) as redis:
            await redis.set("kept", "yes")
        async with injected(RedisFrozen(), there):
            assert (await get(there.cluster.nodes[0]))[0] == 200
        async with Redis.from_url(there.redis.url) as redis:
            assert await redis.get("kept") == b"yes"
        async with injected(RedisKilled(), there):
            assert (await get(there.cluster.nodes[0]))[0] == 200
        async with Redis.from_url(there.redis.url) as redis:
            assert await redis.get("kept") is None


async def test_a_full_redis_evicts_and_then_has_room_again() -> None:
    async with site() as there, Redis.from_url(there.redis.url) as redis:
        before = await redis.config_get("maxmemory*")
        async with injected(RedisFull(), there), asyncio.timeout(SOON_SECONDS):
            while not (await redis.info("stats"))["evicted_keys"]:  # noqa: ASYNC110 - Redis sets no Event
                await asyncio.sleep(0.1)
        assert await redis.config_get("maxmemory*") == before


async def test_a_live_limit_is_none_and_then_gone() -> None:
    async with site() as there, Redis.from_url(there.redis.url) as redis:
        async with injected(OverrideMalformed("acme"), there):
            assert await redis.hgetall(keys.OVERRIDES) == {b"limit:acme": b"no limit"}
        assert await redis.hgetall(keys.OVERRIDES) == {}


async def test_the_upstream_fails_and_then_does_not() -> None:
    async with site() as there:
        (node,) = there.cluster.nodes
        async with injected(UpstreamTroubled(failing_ratio=1.0), there), asyncio.timeout(SOON_SECONDS):
            while (await get(node))[0] != 500:  # noqa: ASYNC110 - it follows a file
                await asyncio.sleep(0.1)
        async with asyncio.timeout(SOON_SECONDS):
            while (await get(node))[0] != 200:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
