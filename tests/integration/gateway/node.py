"""A whole node in the test's own process, built as the command builds it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from gateway.app import run
from gateway.building import Signals
from gateway.config.settings import Settings
from gateway.contract.records import Reloads, RosterEntry, TelemetryRecord, decode
from loadtest.ports import free_port
from tests.integration.gateway.client import Client

PATIENCE_SECONDS = 20.0
USUAL: dict[str, Any] = {
    "node_id": "node-1",
    "default_limit": "1000/m",
    "store_deadline": 2.0,  # a late answer on a loaded machine is no outage
    "drain_timeout": 2.0,
    "upstream_timeout": 5.0,
}

Value = TypeVar("Value")


@dataclass(frozen=True)
class Node:
    """A running node."""

    port: int
    admin_port: int
    stop: asyncio.Event
    reread: asyncio.Event
    hurry: asyncio.Event
    task: "asyncio.Task[None]"

    async def connect(self) -> Client:
        """A new client's connection."""
        return await Client.connect(self.port)

    async def admin(self, path: str) -> tuple[int, str]:
        """Status and text of an answer of the admin listener."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.admin_port}{path}") as response,
        ):
            return response.status, await response.text()

    async def state(self) -> RosterEntry:
        """What it says of itself now."""
        _, text = await self.admin("/state")
        return decode(RosterEntry, text)

    async def record(self) -> TelemetryRecord:
        """Its counters now."""
        return (await self.state()).last

    async def settled(self) -> TelemetryRecord:
        """Its counters as soon as no request is in flight."""
        return await eventually(self.record, lambda record: record.in_flight == 0)

    async def reload(self) -> Reloads:
        """Have it read its files anew, as a signal does; what became of it."""
        before = (await self.record()).reloads
        self.reread.set()
        after = await eventually(self.record, lambda record: record.reloads != before)
        return after.reloads

    async def shut_down(self) -> None:
        """Stop it in order."""
        self.stop.set()
        await self.task


async def eventually(
    read: Callable[[], Awaitable[Value]],
    holds: Callable[[Value], object],
    seconds: float = PATIENCE_SECONDS,
) -> Value:
    """What `read` returns as soon as `holds` is true of it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not holds(value := await read()):
        assert loop.time() < deadline, f"still {value!r}"
        await asyncio.sleep(0.01)
    return value


@asynccontextmanager
async def running_node(**settings: Any) -> AsyncIterator[Node]:
    """A node that serves, stopped at the end."""
    port = settings.get("port") or free_port()
    admin_port = free_port()
    given = USUAL | {"port": port, "admin_port": admin_port} | settings
    stop, reread, hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(run(Settings(**given), Signals(stop, hurry, reread)))
    node = Node(port, admin_port, stop, reread, hurry, task)
    try:
        await _until_ready(node)
        yield node
    finally:
        await node.shut_down()


async def _until_ready(node: Node) -> None:
    async def status() -> int:
        if node.task.done():
            node.task.result()
        try:
            return (await node.admin("/readyz"))[0]
        except aiohttp.ClientConnectionError:
            return 0

    await eventually(status, lambda status: status == 200)
