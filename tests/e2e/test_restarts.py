"""Nodes that are restarted, and one that is killed, under load."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from loadtest.ports import free_port
from tests.e2e.balancer import Backend, load
from tests.integration.gateway.processes import start

CLIENTS = 30
PER_SECOND = 300
ANSWER_SECONDS = 0.02
EACH = 100


@dataclass
class Service:
    """What is behind the nodes: it says a request's target back, after a while."""

    url: str
    seen: Counter[str] = field(default_factory=Counter)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        body = await request.text()
        self.seen[request.raw_path] += 1
        await asyncio.sleep(ANSWER_SECONDS)
        return web.Response(text=body or request.raw_path)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    port = free_port()
    service = Service(f"http://127.0.0.1:{port}")
    runner = web.ServerRunner(web.Server(service.answer, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield service
    await runner.cleanup()


@dataclass
class Node:
    """A process that can be started again at the same place."""

    name: str
    folder: Path
    settings: dict[str, str]
    backend: Backend
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        """What all its processes said."""
        return (self.folder / f"{self.name}.log").read_text()

    async def start(self) -> None:
        """Start it."""
        own = {
            "NODE_ID": self.name,
            "GATEWAY_PORT": str(self.backend.port),
            "GATEWAY_ADMIN_PORT": str(self.backend.admin_port),
        }
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = await start(self.folder, stderr=log.fileno(), **self.settings, **own)

    async def stop(self) -> int:
        """Stop it in order; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    def kill(self) -> set[bytes]:
        """End it at once. What was in flight on it, when its clients' kernel knows that it is gone.

        Nothing else happens in this process meanwhile.
        """
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # another thread has waited for it
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        while not self.backend.is_seen_dead:
            time.sleep(0.001)
        return set(self.backend.in_flight)


@asynccontextmanager
async def three_nodes(folder: Path, service: Service, redis_url: str) -> AsyncIterator[list[Node]]:
    """Started, and killed at the end if they are still there."""
    settings = {
        "REDIS_URL": redis_url,
        "GATEWAY_UPSTREAM_URL": service.url,
        "GATEWAY_DEFAULT_LIMIT": "1000000/m",
        "GATEWAY_DRAIN_DELAY": "0.5",
    }
    nodes: list[Node] = []
    try:
        for number in (1, 2, 3):
            port = free_port()
            node = Node(f"node-{number}", folder, settings, Backend(port, free_port()))
            nodes.append(node)
            await node.start()
        yield nodes
    finally:
        for node in nodes:
            if node.process is not None:
                with suppress(ProcessLookupError):
                    node.process.kill()
                await node.process.communicate()


async def test_a_rolling_restart_under_load_loses_no_request(
    tmp_path: Path, service: Service, redis_url: str
) -> None:
    async with three_nodes(tmp_path, service, redis_url) as nodes:
        backends = [node.backend for node in nodes]
        async with load(backends, CLIENTS, PER_SECOND) as balancer:
            for node in nodes:
                await balancer.answers(node.backend, EACH)
            for node in nodes:
                assert await node.stop() == 0
                await node.start()
                await balancer.answers(node.backend, EACH)
        logs = [node.log for node in nodes]

    assert balancer.failed == {}
    assert balancer.statuses.keys() == {200}
    assert len(service.seen) == balancer.statuses[200]
    assert set(service.seen.values()) == {1}
    for log in logs:
        assert log.count("stopping: no new connections") == 1
        assert "Traceback" not in log


async def test_of_a_node_that_is_killed_only_what_was_in_flight_on_it_fails(
    tmp_path: Path, service: Service, redis_url: str
) -> None:
    async with three_nodes(tmp_path, service, redis_url) as nodes:
        victim, *others = nodes
        backends = [node.backend for node in nodes]
        async with load(backends, CLIENTS, PER_SECOND) as balancer:
            for node in nodes:
                await balancer.answers(node.backend, EACH)
            await balancer.until(lambda: len(victim.backend.in_flight) >= 2)
            in_flight = victim.kill()
            for node in others:
                await balancer.answers(node.backend, EACH)

            await victim.start()
            await balancer.answers(victim.backend, EACH)

    assert 2 <= len(in_flight) < CLIENTS
    assert balancer.failed.keys() <= in_flight
    assert balancer.statuses.keys() == {200}
