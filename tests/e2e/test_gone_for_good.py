"""Nodes that do not come back, and an observer that is started again meanwhile."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from typing import Any

from redis.asyncio import Redis

from gateway.contract import keys
from loadtest.cluster import Cluster
from subject import RateLimiterSubject
from tests.e2e.operators import (
    CLEARED_SECONDS,
    FOUND_SECONDS,
    GREEDY,
    Operator,
    calm_cluster,
    command,
    is_open,
)


async def test_nodes_that_die_together_for_good_are_one_ticket_until_they_are_forgotten() -> None:
    async with AsyncExitStack() as stack:
        redis, running, _ = await calm_cluster(stack, 4)
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        client = await stack.enter_async_context(Redis.from_url(redis.url))
        operator = Operator(subject)
        await operator.watch(5)

        for node in running.nodes[1:3]:
            os.kill(node.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: bool(found))
        await operator.watch(4)
        (told,) = operator.told.values()
        await client.xtrim(keys.TELEMETRY, maxlen=0)
        await operator.watch(3)
        # An observer that has just been started knows the same.
        fresh = await stack.enter_async_context(RateLimiterSubject(redis.url))
        operator.subject = fresh
        await operator.watch(3)
        kept = set(operator.open)

        for node in running.nodes[1:3]:
            assert await forgotten(running, node.id) == 0
        await operator.watch(CLEARED_SECONDS, is_open())
        await client.xtrim(keys.TELEMETRY, maxlen=0)
        for operator.subject in (subject, fresh):
            await operator.watch(4)

    ticket = (told.invariant_name, told.store_id)
    assert told.invariant_name == "node_down"
    assert all(name in told.message for name in ("node-2", "node-3"))
    assert kept == {ticket}
    assert operator.history == [("open", ticket), ("close", ticket)]


async def forgotten(running: Cluster, node_id: str) -> int:
    """The exit code of ``subject nodes forget``."""
    process = await command(running, "nodes", "forget", node_id, "--why", "gone for good")
    assert process.stderr == ""
    return process.returncode


async def test_a_subject_that_is_started_in_the_middle_of_it_finds_the_same() -> None:
    """A client's spike and a node that is down: the usual comes from the stream."""
    async with AsyncExitStack() as stack:
        redis, running, sends = await calm_cluster(stack)
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        operator = Operator(subject)
        await operator.watch(18)
        sends.start(GREEDY, 0, 50)
        os.kill(running.nodes[2].pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: len(found) > 1)
        await operator.watch(3)
        fresh = await stack.enter_async_context(RateLimiterSubject(redis.url))
        before, after = await asyncio.gather(subject.observe(), fresh.observe())
        tickets = set(operator.open)
        operator.subject = fresh
        await operator.watch(4)

    def told(observation: dict[str, Any]) -> dict[tuple[str, str], float]:
        causes = {(one["code"], one["subject"]["id"]) for one in observation["problems"]}
        since = {(one["code"], one["subject"]["id"]): one["since"] for one in observation["findings"]}
        return {one: since[one] for one in causes}

    assert ("node_down", "node-3") in told(before)
    assert ("node_down", "node-3") in tickets
    assert len(told(before)) > 1
    assert told(after).keys() == told(before).keys()
    assert all(abs(told(after)[one] - since) <= 1 for one, since in told(before).items())
    assert not [event for event in operator.history if event[0] == "close"]
