"""What an operator's loop says of a real cluster that it cannot see, and when it sees it again."""

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from loadtest import redis_server
from loadtest.cluster import Cluster
from loadtest.redis_server import RedisServer
from subject import RateLimiterSubject
from tests.e2e.operators import (
    BLIND,
    BREACH,
    CLEARED_SECONDS,
    DOWN,
    FOUND_SECONDS,
    GREEDY,
    Operator,
    Traffic,
    calm_cluster,
    command,
    is_open,
)


async def breached(stack: AsyncExitStack, *options: str) -> tuple[RedisServer, Cluster, Traffic, Operator]:
    """A cluster of which one client sends too much, and its ticket; `options` are those of Redis."""
    redis, running, sends = await calm_cluster(stack, 3, *options)
    operator = Operator(await stack.enter_async_context(RateLimiterSubject(redis.url)))
    for place in range(3):
        sends.start(GREEDY, place, 3)
    await operator.watch(FOUND_SECONDS, is_open(BREACH))
    return redis, running, sends, operator


def send_all(number: signal.Signals, redis: RedisServer, running: Cluster) -> None:
    """A signal to Redis and to each node."""
    for pid in (redis.pid, *(node.pid for node in running.nodes)):
        os.kill(pid, number)


async def test_while_redis_and_all_nodes_stand_still_nothing_is_closed() -> None:
    async with AsyncExitStack() as stack:
        redis, running, sends, operator = await breached(stack)
        send_all(signal.SIGSTOP, redis, running)
        await operator.watch(FOUND_SECONDS, is_open(BREACH, BLIND))
        await operator.watch(4)
        blind = json.loads((await command(running, "diagnose", "--json")).stdout)
        send_all(signal.SIGCONT, redis, running)
        await operator.watch(CLEARED_SECONDS, is_open(BREACH))
        sends.stop(GREEDY)
        await operator.watch(CLEARED_SECONDS, is_open())
        await operator.watch(4)

    assert (blind["healthy"], [one["code"] for one in blind["findings"]]) == (False, ["observer_blind"])
    assert operator.history == [("open", BREACH), ("open", BLIND), ("close", BLIND), ("close", BREACH)]


async def test_when_redis_and_all_nodes_are_started_again_what_is_over_is_closed_and_no_more_opened() -> None:
    async with AsyncExitStack() as stack:
        redis, running, sends, operator = await breached(stack)
        send_all(signal.SIGKILL, redis, running)
        await operator.watch(FOUND_SECONDS, is_open(BREACH, BLIND))
        await operator.watch(4)
        while_blind = set(operator.open)
        sends.stop(GREEDY)
        await stack.enter_async_context(redis_server.running_beside(port=redis.port))
        await asyncio.gather(*(running.start_again(node) for node in running.nodes))
        await operator.watch(CLEARED_SECONDS, is_open())
        await operator.watch(4)

    assert while_blind == {BREACH, BLIND}
    assert [ticket for what, ticket in operator.history if what == "open"] == [BREACH, BLIND]
    assert operator.open == set()


async def test_a_redis_that_is_started_again_with_what_it_had_is_one_ticket(tmp_path: Path) -> None:
    """`test_operator_loop.py` has one that is started again empty."""
    options = ("--appendonly", "yes", "--dir", str(tmp_path))
    async with AsyncExitStack() as stack:
        redis, running, _, operator = await breached(stack, *options)
        os.kill(redis.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, is_open(BREACH, DOWN))
        await operator.watch(5)
        await stack.enter_async_context(redis_server.running_beside(*options, port=redis.port))
        await operator.watch(CLEARED_SECONDS, is_open(BREACH))
        totals = json.loads((await command(running, "status", "--json")).stdout)["totals"]
        await operator.watch(5)

    assert operator.history == [("open", BREACH), ("open", DOWN), ("close", DOWN)]
    assert totals["requests"] > 0
