"""Nodes and the subject on their ways to Redis: a socket, a server that comes back empty, a failover."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from gateway.contract import keys
from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from loadtest import redis_server
from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream
from tests.integration.redis.sentinels import client_of, is_master, replicated
from tests.integration.redis.watched import LIMIT, QUOTA, answers, decides_by_redis, fresh_key
from tests.integration.subject.publishing import subject

BY_REDIS = Counter({200: QUOTA, 429: 3})
PERIOD_SECONDS = 1
ALL_UP = {"node-1": "Up", "node-2": "Up"}
FAILOVER_SECONDS = 15.0
"""Until the sentinels have agreed on another master and nodes decide by it."""


def settings(url: str, upstream: Upstream, limit: str = LIMIT) -> dict[str, str]:
    """Of a node."""
    return {"REDIS_URL": url, "GATEWAY_UPSTREAM_URL": upstream.url, "GATEWAY_DEFAULT_LIMIT": limit}


async def test_nodes_and_the_subject_meet_in_a_server_behind_a_socket(
    upstream: Upstream, tmp_path: Path
) -> None:
    path = tmp_path / "redis.sock"
    url = f"unix://{path}?db=2"
    with redis_server.running("--unixsocket", str(path)):
        async with node_process(tmp_path, **settings(url, upstream)) as node:
            await decides_by_redis(node)
            assert await answers(node, QUOTA + 3, fresh_key()) == BY_REDIS
            seen = await subject("status", redis_url=url)

    assert (seen.code, seen.err) == (0, "")


async def admitted(node: NodeProcess, key: bytes, seconds: float) -> list[tuple[float, float]]:
    """Of a client that never stops, when each request that was admitted was sent, and answered."""
    times = []
    until = time.monotonic() + seconds
    while (sent := time.monotonic()) < until:
        statuses = await answers(node, 1, key)
        assert set(statuses) <= {200, 429}
        if statuses[200]:
            times.append((sent, time.monotonic()))
        await asyncio.sleep(0.01)
    return times


def fullest(times: list[tuple[float, float]], since: float = 0.0) -> int:
    """The most requests that were sent, counted and answered within one window, from `since` on."""
    starts = [sent for sent, _ in times if sent > since]
    return max(
        sum(start <= sent and answered <= start + PERIOD_SECONDS for sent, answered in times)
        for start in starts
    )


@pytest.mark.usefixtures("server_program")
async def test_a_server_that_comes_back_empty_costs_one_more_quota_and_is_exact_after_a_window(
    upstream: Upstream, tmp_path: Path
) -> None:
    key, limit = fresh_key(), f"{QUOTA}/{PERIOD_SECONDS}s"
    with redis_server.running() as server:
        async with node_process(tmp_path, **settings(server.url, upstream, limit)) as node:
            await decides_by_redis(node)
            before = await admitted(node, key, PERIOD_SECONDS)
            os.kill(server.pid, signal.SIGKILL)
            away = await admitted(node, key, PERIOD_SECONDS / 2)
            with redis_server.running(port=server.port):
                back = time.monotonic()
                await decides_by_redis(node)
                after = await admitted(node, key, 3 * PERIOD_SECONDS)

    times = [*before, *away, *after]
    assert fullest(times) <= 2 * QUOTA
    assert fullest(times, back + PERIOD_SECONDS) <= QUOTA


def window(key: bytes) -> str:
    """The hash in which a client of `LIMIT` is counted."""
    return keys.window(unknown_client_id(key.decode(), DEFAULT_SECRET), keys.CLIENT_SCOPE, 60, 0)


async def counted_by(master: RedisServer, key: bytes) -> bool:
    """Whether a client is counted there; a server that is being made a replica ends its connections."""
    try:
        async with client_of(master) as client:
            return bool(await client.exists(window(key)))
    except RedisError:
        return False


async def decides_at(node: NodeProcess, master: RedisServer) -> None:
    """Ask until a request is counted at `master`, which is one. Meanwhile answers are by policy."""
    started = time.monotonic()
    await eventually(lambda: is_master(master), bool, FAILOVER_SECONDS)
    while True:
        key = fresh_key()
        assert await answers(node, 1, key) == Counter({200: 1})
        if await counted_by(master, key):
            return
        assert time.monotonic() - started < FAILOVER_SECONDS
        await asyncio.sleep(0.02)


async def states(url: str) -> dict[str, str]:
    """What the subject takes the nodes for."""
    seen = await subject("nodes", "--json", redis_url=url)
    return {node["id"]: node["state"] for node in json.loads(seen.out)["nodes"]}


@pytest.mark.usefixtures("server_program")
async def test_nodes_and_the_subject_follow_the_master_through_failovers(
    upstream: Upstream, tmp_path: Path
) -> None:
    key = fresh_key()
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder in folders:
        folder.mkdir()
    async with (
        replicated() as redis,
        node_process(folders[0], NODE_ID="node-1", **settings(redis.url, upstream)) as one,
        node_process(folders[1], NODE_ID="node-2", **settings(redis.url, upstream)) as two,
    ):
        first, second = redis.servers
        assert await answers(one, QUOTA, key) == Counter({200: QUOTA})
        assert await answers(two, 1, key) == Counter({429: 1})

        await redis.fail_over()
        for node in (one, two):
            await decides_at(node, second)
            assert await answers(node, 1, key) == Counter({429: 1})
        await eventually(lambda: states(redis.url), lambda seen: seen == ALL_UP)

        os.kill(second.pid, signal.SIGKILL)
        for node in (one, two):
            await decides_at(node, first)
        await eventually(lambda: states(redis.url), lambda seen: seen == ALL_UP)
        logs = one.log.read_text() + two.log.read_text()

    assert "the sentinels name another master" in logs
    assert "Traceback" not in logs
