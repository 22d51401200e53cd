"""What a node admits without Redis, from what it knew, and how Redis comes to know of it."""

import asyncio
import os
import signal
from pathlib import Path

from redis.asyncio import Redis

from gateway.contract import keys, window
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit
from loadtest import redis_server
from loadtest.ports import free_port
from tests.decided import decided
from tests.integration.gateway.limiter.node import (
    LimiterNode,
    decide,
    eventually,
    hanging,
    limiter_node,
    settles_at,
)

HUNDRED = Limit(100, 60)
DEADLINE = 0.3
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


async def admitted(node: LimiterNode, requests: int, client: str = "acme") -> int:
    statuses = [await decide(node.limiter, client, HUNDRED) for _ in range(requests)]
    return sum(status is not None and status.admitted for status in statuses)


async def test_a_node_admits_its_share_of_what_was_free_when_redis_last_told_it() -> None:
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local", nodes=3) as node,
            limiter_node(server.url) as other,
        ):
            assert await admitted(other, 39) == 39
            assert await admitted(node, 1) == 1
            with hanging(server.pid):
                assert await admitted(node, 50) == (100 - 40) // 3
                assert await admitted(node, 50, "stranger") == 100 // 3
                assert node.counters.store_decisions == 1


async def test_what_a_node_admitted_while_redis_hung_stands_in_redis_before_redis_decides_again() -> None:
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local", nodes=2) as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            assert await admitted(node, 20) == 20
            with hanging(server.pid):
                assert await admitted(node, 60) == 40
            await eventually(lambda: node.store.connected)
            assert await admitted(node, 60) == 40
            await settles_at(redis, 100)
            assert len(node.backlog) == 0


async def test_what_was_admitted_while_redis_was_away_stands_in_redis_when_it_is_back_with_its_data(
    tmp_path: Path,
) -> None:
    port = free_port()
    options = (*DURABLE, "--dir", str(tmp_path))
    with redis_server.running(*options, port=port) as server:
        url = server.url
        async with limiter_node(url, deadline_seconds=DEADLINE, on_failure="local", nodes=2) as node:
            assert await admitted(node, 20) == 20
            os.kill(server.pid, signal.SIGKILL)
            await eventually(lambda: not node.store.connected)
            assert await admitted(node, 60) == 40
            assert node.backlog.pending == 1
            with redis_server.running(*options, port=port):
                await eventually(lambda: node.store.connected)
                assert await admitted(node, 60) == 40
                async with Redis.from_url(url, decode_responses=True) as redis:
                    await settles_at(redis, 100)
                assert node.counters.store_posted == 40


async def test_what_many_clients_were_admitted_is_posted_before_redis_decides_about_any_of_them() -> None:
    clients = [f"client-{number}" for number in range(700)]
    port = free_port()
    async with limiter_node(f"redis://127.0.0.1:{port}/0", on_failure="local") as node:
        for client in clients:
            assert await admitted(node, 2, client) == 2
        with redis_server.running(port=port) as server:
            await eventually(lambda: node.store.connected)
            assert node.backlog.pending <= 100
            statuses = await asyncio.gather(*(decide(node.limiter, client, HUNDRED) for client in clients))
            assert {status.remaining for status in statuses if status is not None} == {97}
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                assert await redis.dbsize() == len(clients)
            assert node.counters.store_posted == 2 * len(clients)


async def test_what_was_admitted_locally_under_several_windows_is_posted_to_each_at_its_cost() -> None:
    port = free_port()
    hits = [Hit("{acme}:a", HUNDRED, 3), Hit("{acme}:b", Limit(50, 3600), 3)]
    async with limiter_node(f"redis://127.0.0.1:{port}/0", on_failure="local") as node:
        for _ in range(20):
            await decided(node.limiter, hits)
        with redis_server.running(port=port) as server:
            await eventually(lambda: node.store.connected)
            await decided(node.limiter, hits)
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                for hit in hits:
                    await settles_at(redis, 48, hit.key)


async def test_an_answer_that_was_late_is_not_counted_twice() -> None:
    """What was under way when Redis hung is counted when it wakes, or moved to where it belongs."""
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local") as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            with hanging(server.pid):
                calls = (decide(node.limiter, "acme", HUNDRED) for _ in range(30))
                statuses = await asyncio.gather(*calls)
                assert all(status is not None and status.admitted for status in statuses)
            await settles_at(redis, 30)
            await eventually(lambda: node.store.connected and node.backlog.pending == 0)
            await settles_at(redis, 30)


async def test_what_is_posted_to_a_redis_that_greets_late_goes_to_where_it_belongs() -> None:
    """The first reply of a Redis that wakes up seems to tell that its clock is far ahead."""
    limit = Limit(100, 10)
    key = keys.window("acme", keys.CLIENT_SCOPE, limit.period_seconds, 0)
    with redis_server.running() as server:
        async with (
            limiter_node(
                server.url, deadline_seconds=DEADLINE, on_failure="local", silence_seconds=0.2
            ) as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            with hanging(server.pid):
                for _ in range(5):
                    await decide(node.limiter, "acme", limit)
                await asyncio.sleep(0.9)  # so that a connection is made and its greeting waits
            await eventually(lambda: node.counters.store_posted == 5)
            seconds, microseconds = await redis.time()
            newest = max(int(name) for name in await redis.hgetall(key) if name != window.BACKFILLED)
    assert newest <= window.sub_interval(seconds * 1_000_000 + microseconds, limit.period_seconds) - 4


async def test_a_redis_that_wakes_up_is_asked_at_its_own_time() -> None:
    """What waited for it meanwhile seems to tell that its clock is far ahead, and not once but many times."""
    limit = Limit(100, 10)
    key = keys.window("acme", keys.CLIENT_SCOPE, limit.period_seconds, 0)
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local") as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            assert (await decide(node.limiter, "acme", limit)) is not None
            with hanging(server.pid):
                waiting = []
                for _ in range(6):  # each in a batch of its own
                    waiting.append(asyncio.create_task(decide(node.limiter, "acme", limit)))
                    await asyncio.sleep(0.01)
                await asyncio.gather(*waiting)
                await asyncio.sleep(0.5)
            await eventually(lambda: node.store.connected)
            for _ in range(5):
                await decide(node.limiter, "acme", limit)
            seconds, microseconds = await redis.time()
            newest = max(int(name) for name in await redis.hgetall(key) if name != window.BACKFILLED)
            await decide(node.limiter, "acme", limit)

    assert newest <= window.sub_interval(seconds * 1_000_000 + microseconds, limit.period_seconds)
    assert node.counters.store_fields_ahead == 0
