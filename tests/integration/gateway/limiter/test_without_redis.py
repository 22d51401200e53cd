"""A Redis that stops, hangs, refuses or comes back empty."""

import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.errors import StoreUnavailable
from gateway.limiter.limiter import OnStoreFailure
from loadtest import redis_server
from loadtest.ports import free_port
from tests.integration.gateway.limiter.node import (
    KEY,
    TEN,
    LimiterNode,
    decide,
    eventually,
    hanging,
    limiter_node,
    settles_at,
)

DEADLINE = 0.05
LATE = 0.5  # a loaded machine may run a timer this late; a hanging decision would take for ever


async def admitted(node: LimiterNode, requests: int) -> int:
    statuses = [await decide(node.limiter, "acme", TEN) for _ in range(requests)]
    return sum(status is not None and status.admitted for status in statuses)


async def test_a_hanging_redis_costs_a_decision_its_deadline_and_no_more() -> None:
    with redis_server.running() as server:
        async with limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local", nodes=2) as node:
            assert await admitted(node, 1) == 1
            with hanging(server.pid):
                started = monotonic()
                assert await admitted(node, 1) == 1
                assert DEADLINE * 0.9 <= monotonic() - started < DEADLINE + LATE
            assert node.counters.store_fallbacks == 1


@pytest.mark.parametrize("database", ["0", "3"])
async def test_a_redis_that_hangs_at_the_start_is_known_to_be_away_soon(database: str) -> None:
    """Whether it owes the answer to a greeting, or to the first question."""
    with redis_server.running() as server, hanging(server.pid):
        url = server.url.removesuffix("0") + database
        async with (
            asyncio.timeout(10),
            limiter_node(url, deadline_seconds=DEADLINE, on_failure="open") as node,
        ):
            assert await decide(node.limiter, "acme", TEN) is None


async def test_a_redis_that_hangs_for_long_is_not_waited_for() -> None:
    with redis_server.running() as server:
        async with limiter_node(
            server.url, deadline_seconds=DEADLINE, on_failure="open", silence_seconds=0.3
        ) as node:
            with hanging(server.pid):
                assert await decide(node.limiter, "acme", TEN) is None
                await eventually(lambda: not node.store.connected)
                started = monotonic()
                for _ in range(50):
                    assert await decide(node.limiter, "acme", TEN) is None
                assert monotonic() - started < DEADLINE * 50 / 2
            await eventually(lambda: node.store.connected)
            status = await decide(node.limiter, "acme", TEN)
            assert status is not None


@pytest.mark.parametrize(("policy", "expected"), [("local", 5), ("open", 0)])
async def test_without_redis_the_setting_decides(policy: OnStoreFailure, expected: int) -> None:
    async with limiter_node("redis://127.0.0.1:1/0", on_failure=policy, nodes=2) as node:
        statuses = [await decide(node.limiter, "acme", TEN) for _ in range(20)]
    counted = [status for status in statuses if status is not None]
    assert sum(status.admitted for status in counted) == expected
    assert len(counted) == (20 if policy == "local" else 0)


async def test_without_redis_closed_lets_nobody_pass() -> None:
    async with limiter_node("redis://127.0.0.1:1/0", on_failure="closed") as node:
        with pytest.raises(StoreUnavailable):
            await decide(node.limiter, "acme", TEN)


async def test_what_was_refused_locally_is_given_back_when_the_late_answer_comes() -> None:
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=DEADLINE, on_failure="local", nodes=10) as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            with hanging(server.pid):
                # A tenth of ten is one: the first passes, the others are refused.
                statuses = await asyncio.gather(*(decide(node.limiter, "acme", TEN, 0) for _ in range(6)))
            assert sum(status is not None and status.admitted for status in statuses) == 1
            await settles_at(redis, 1)


async def test_a_long_silence_costs_the_client_no_more_than_a_deadlines_requests() -> None:
    """What is sent into a silent connection is counted when Redis wakes up, for nobody."""
    with redis_server.running() as server:
        async with (
            limiter_node(
                server.url, deadline_seconds=DEADLINE, on_failure="closed", silence_seconds=0.4
            ) as node,
            limiter_node(server.url) as patient,
        ):
            with hanging(server.pid):
                until = monotonic() + 0.8
                while monotonic() < until:
                    with pytest.raises(StoreUnavailable):
                        await decide(node.limiter, "acme", TEN)
                    await asyncio.sleep(0.01)
            await eventually(lambda: node.store.connected)
            assert await admitted(patient, 12) >= TEN.quota - 3


async def test_redis_may_come_and_go_under_load() -> None:
    port = free_port()
    async with limiter_node(
        f"redis://127.0.0.1:{port}/0", deadline_seconds=DEADLINE, on_failure="open"
    ) as node:

        async def ask_on(client: str) -> None:
            while node.task_is_alive():
                await decide(node.limiter, client, TEN, 0)
                await asyncio.sleep(0.001)

        load = [asyncio.create_task(ask_on(f"client-{i}")) for i in range(50)]
        for _ in range(8):
            with redis_server.running(port=port) as server:
                await eventually(lambda: node.store.connected)
                await asyncio.sleep(0.05)
                os.kill(server.pid, signal.SIGKILL)
                await eventually(lambda: not node.store.connected)
        assert node.task_is_alive()
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)


async def test_a_killed_connection_is_replaced_and_nothing_is_given_back_over_the_new_one() -> None:
    with redis_server.running() as server:
        async with (
            limiter_node(server.url, deadline_seconds=1.0, on_failure="local") as node,
            Redis.from_url(server.url, decode_responses=True) as redis,
        ):
            assert await admitted(node, 10) == 10
            refusals = asyncio.gather(*(decide(node.limiter, "acme", TEN, 0) for _ in range(5)))
            await asyncio.sleep(0)
            async with redis.pipeline(transaction=True) as at_once:  # before the new one refuses
                at_once.client_kill_filter(_type="normal", skipme=True)
                at_once.flushall()
                await at_once.execute()
            await refusals
            await eventually(lambda: node.store.connected)
            assert await admitted(node, 12) == 10
            assert all(int(count) >= 0 for count in (await redis.hgetall(KEY)).values())


async def test_exactness_is_back_at_once_when_redis_is_back_with_its_data() -> None:
    port = free_port()
    async with limiter_node(
        f"redis://127.0.0.1:{port}/0", deadline_seconds=DEADLINE, on_failure="closed"
    ) as node:
        with pytest.raises(StoreUnavailable):
            await decide(node.limiter, "acme", TEN)
        with redis_server.running(port=port):
            await eventually(lambda: node.store.connected, seconds=1.0 + LATE)
            statuses = await asyncio.gather(*(decide(node.limiter, "acme", TEN, 0) for _ in range(12)))
            assert sum(status is not None and status.admitted for status in statuses) == 10


async def test_a_redis_that_asks_for_a_password_is_an_outage_and_no_crash() -> None:
    with redis_server.running("--requirepass", "secret") as server:
        async with limiter_node(server.url, on_failure="open") as node:
            assert await decide(node.limiter, "acme", TEN) is None
            assert not node.store.connected
        async with limiter_node(server.url.replace("//", "//:secret@")) as node:
            status = await decide(node.limiter, "acme", TEN)
            assert status is not None
            assert status.admitted
