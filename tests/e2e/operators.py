"""An operator who looks at a real cluster every second, and clients that give it something to do."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from loadtest import cluster, redis_server
from loadtest.cluster import Cluster
from loadtest.redis_server import RedisServer
from subject import InvariantViolation, RateLimiterChecker, RateLimiterSubject

LOOK_SECONDS = 1.0
FOUND_SECONDS = 20.0
"""Ten are promised; this machine may have other work."""
CLEARED_SECONDS = 45.0
PATIENCE_SECONDS = 60.0

Ticket = tuple[str, str | None]
GREEDY = "greedy"
GREEDY_ID = unknown_client_id(GREEDY, DEFAULT_SECRET)
BREACH: Ticket = ("limit_breach", GREEDY_ID)
"""What it comes to where the client of that name asks for more than it may."""
BLIND: Ticket = ("observer_blind", None)
DOWN: Ticket = ("store_down", None)

logger = logging.getLogger(__name__)


@dataclass
class Operator:
    """Looks every second, opens tickets and closes those that are gone; a test that fails shows them."""

    subject: RateLimiterSubject
    checker: RateLimiterChecker = field(default_factory=RateLimiterChecker)
    open: set[Ticket] = field(default_factory=set)
    history: list[tuple[str, Ticket]] = field(default_factory=list)
    told: dict[Ticket, InvariantViolation] = field(default_factory=dict)

    async def look(self) -> None:
        """Once."""
        violations = self.checker.check(await self.subject.observe())
        self.told = {(one.invariant_name, one.store_id): one for one in violations}
        found = set(self.told)
        for ticket in found - self.open:
            logger.warning("open %s: %s", ticket, self.told[ticket].message)
        for ticket in self.open - found:
            logger.warning("close %s", ticket)
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
    """One client at one node; it comes again where it finds nobody, and gives up what takes long."""
    patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(headers={"X-API-Key": key}, timeout=patience) as http:
        while not stopped.is_set():
            with suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(node_url) as answer:
                    await answer.read()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), 1 / per_second)


class Traffic:
    """Clients, each at one node."""

    def __init__(self, running: Cluster, clients: asyncio.TaskGroup) -> None:
        self._running = running
        self._clients = clients
        self._stops: dict[str, asyncio.Event] = {}

    def start(self, key: str, place: int, per_second: float) -> None:
        """A client of this name sends to that node."""
        stopped = self._stops.setdefault(key, asyncio.Event())
        self._clients.create_task(send(self._running.nodes[place].url, key, per_second, stopped))

    def stop(self, key: str) -> None:
        """It sends no more, wherever it did."""
        self._stops[key].set()

    def stop_all(self) -> None:
        """Nobody sends any more."""
        for stopped in self._stops.values():
            stopped.set()


@asynccontextmanager
async def traffic(running: Cluster) -> AsyncIterator[Traffic]:
    """Clients, which end with the context."""
    async with asyncio.TaskGroup() as clients:
        sends = Traffic(running, clients)
        try:
            yield sends
        finally:
            sends.stop_all()


def is_open(*tickets: Ticket) -> Callable[[set[Ticket]], bool]:
    """These, and no other."""
    return lambda found: found == set(tickets)


async def calm_cluster(
    stack: AsyncExitStack,
    nodes: int = 3,
    *options: str,
    limit: str = "30/10s",
    redis: RedisServer | None = None,
    **plan: Any,
) -> tuple[RedisServer, Cluster, Traffic]:
    """Redis, nodes, and six calm clients; `options` are those of Redis."""
    if redis is None:
        redis = await stack.enter_async_context(redis_server.running_beside(*options))
    settings = {"GATEWAY_DEFAULT_LIMIT": limit}
    running = await stack.enter_async_context(
        cluster.running(cluster.Plan(nodes, redis.url, node_environment=settings, **plan))
    )
    sends = await stack.enter_async_context(traffic(running))
    for number in range(6):
        sends.start(f"calm-{number}", number % nodes, 2)
    return redis, running, sends


async def command(running: Cluster, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``subject`` in a process of its own, with these settings."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "subject", *words],
        env={**running.environment, "REDIS_URL": running.redis_url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
