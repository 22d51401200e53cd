import asyncio
import os
import sys
import time
from typing import Any

import aiohttp
import redis.asyncio as redis_asyncio

from gateway.contract import keys
from loadtest.cluster import Plan, running
from subject.actions import edits

CLIENT = "k_0123456789abcdef"
PLAIN = {
    "del",
    "get",
    "hdel",
    "hget",
    "hgetall",
    "hincrby",
    "hlen",
    "hmget",
    "hscan",
    "hset",
    "mget",
    "pexpire",
    "publish",
    "set",
    "subscribe",
    "time",
    "xadd",
    "xrange",
    "xrevrange",
}
"""In Redis 7.2 and in Valkey 8: no scripts, no transactions, nothing newer."""
GREETINGS = {"auth", "client|setinfo", "client|setname", "hello", "info", "memory|usage", "ping", "select"}
OF_THIS_TEST = {"config|resetstat", "flushall", "exists", "pubsub|numsub"}


async def commands(client: redis_asyncio.Redis) -> set[str]:
    """All commands that the server was sent since its statistics were reset."""
    stats: dict[str, Any] = await client.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in stats}


async def test_nodes_and_subject_need_nothing_but_plain_commands(
    redis_url: str, redis_client: redis_asyncio.Redis
) -> None:
    await redis_client.config_resetstat()
    limit = {"GATEWAY_DEFAULT_LIMIT": "1/m"}
    async with (
        running(Plan(nodes=1, redis_url=redis_url, node_environment=limit)) as cluster,
        aiohttp.ClientSession() as http,
    ):
        for status in (200, 429):
            async with http.get(cluster.nodes[0].url, headers={"X-API-Key": "one"}) as answer:
                assert answer.status == status
        deadline = time.monotonic() + 10
        while not await redis_client.exists(keys.NODES):
            assert time.monotonic() < deadline
        while not (await redis_client.pubsub_numsub(keys.CHANGES))[0][1]:
            assert time.monotonic() < deadline
        await edits.set_limit(redis_client, edits.LimitChange(CLIENT, 5, edits.Actor("ana"), seconds=60))
        await edits.reset(redis_client, CLIENT, edits.Actor("ana"))
        await edits.unset_limit(redis_client, CLIENT, edits.Actor("ana"))
        observer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", "status", "--json"),
            env=os.environ | {"REDIS_URL": redis_url},
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await asyncio.wait_for(observer.wait(), 20) in (0, 1)

    sent = await commands(redis_client)

    assert {"hincrby", "pexpire", "time", "xadd", "hscan", "subscribe", "publish"} <= sent
    assert sent <= PLAIN | GREETINGS | OF_THIS_TEST
