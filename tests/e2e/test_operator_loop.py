"""An operator's loop over a real cluster: an outage, a breach, and the end of each, are two tickets."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from loadtest import cluster, redis_server
from loadtest.cluster import Cluster
from subject import RateLimiterChecker, RateLimiterSubject

LOOK_SECONDS = 1.0
CALM_SECONDS = 20.0
FOUND_SECONDS = 15.0
"""Ten are promised; this machine may have other work."""
CLEARED_SECONDS = 35.0
GREEDY = "greedy"
GREEDY_ID = unknown_client_id(GREEDY, DEFAULT_SECRET)

Ticket = tuple[str, str | None]


@dataclass
class Operator:
    """Looks every second, opens tickets and closes those that are gone."""

    subject: RateLimiterSubject
    checker: RateLimiterChecker = field(default_factory=RateLimiterChecker)
    open: set[Ticket] = field(default_factory=set)
    history: list[tuple[str, Ticket]] = field(default_factory=list)

    async def look(self) -> None:
        violations = self.checker.check(await self.subject.observe())
        found = {(one.invariant_name, one.store_id) for one in violations}
        self.history += [("open", ticket) for ticket in sorted(found - self.open, key=str)]
        self.history += [("close", ticket) for ticket in sorted(self.open - found, key=str)]
        self.open = found

    async def watch(self, seconds: float, until: Callable[[set[Ticket]], bool] | None = None) -> None:
        """Look again and again: for so long, or until the tickets that are open are as expected."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.look()
            if until is not None and until(self.open):
                return
            await asyncio.sleep(LOOK_SECONDS)


async def send(node_url: str, key: str, per_second: float, stopped: asyncio.Event) -> None:
    """One client at one node."""
    async with aiohttp.ClientSession(headers={"X-API-Key": key}) as http:
        while not stopped.is_set():
            async with http.get(node_url) as answer:
                await answer.read()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), 1 / per_second)


@asynccontextmanager
async def traffic(running: Cluster) -> AsyncIterator[Callable[[str, int, float], None]]:
    """A function that starts a client of this name at a node; all end with the context."""
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as clients:

        def start(key: str, place: int, per_second: float) -> None:
            clients.create_task(send(running.nodes[place].url, key, per_second, stopped))

        try:
            yield start
        finally:
            stopped.set()


async def test_an_outage_and_a_breach_are_two_tickets_and_both_are_closed() -> None:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server.running_beside())
        plan = cluster.Plan(redis_url=redis.url, node_environment={"GATEWAY_DEFAULT_LIMIT": "100/10s"})
        running = await stack.enter_async_context(cluster.running(plan))
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        start = await stack.enter_async_context(traffic(running))
        for number in range(6):
            start(f"calm-{number}", number % 3, 2)
        operator = Operator(subject)

        await operator.watch(CALM_SECONDS)
        os.kill(redis.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: ("store_down", None) in found)
        await operator.watch(5)  # nothing else is opened meanwhile
        await stack.enter_async_context(redis_server.running_beside(port=redis.port))
        await operator.watch(CLEARED_SECONDS, lambda found: not found)

        await subject.set_rate_limit(GREEDY_ID, "20/10s", why="to be raised")
        for place in range(3):
            start(GREEDY, place, 2)
        await operator.watch(FOUND_SECONDS + 5, lambda found: bool(found))
        await operator.watch(5)
        told = await subject.set_rate_limit(GREEDY_ID, "200/10s", why="it is entitled to more")
        assert all(node.id in told.partition("in force on")[2] for node in running.nodes), told
        await operator.watch(CLEARED_SECONDS, lambda found: not found)
        await operator.watch(5)

    down, breach = ("store_down", None), ("limit_breach", GREEDY_ID)
    assert operator.history == [("open", down), ("close", down), ("open", breach), ("close", breach)]
