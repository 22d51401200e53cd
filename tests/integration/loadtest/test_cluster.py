"""Starting and stopping a cluster, with nothing left."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from loadtest import cluster, nodes, polling
from loadtest.child import StartError
from loadtest.ports import free_port
from tests.integration.loadtest.processes import alive, started_by


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def nothing_stays(temporary: Path) -> Iterator[None]:
    """Afterwards, no process that we started and no file is there."""
    before = started_by(os.getpid())
    yield
    assert not started_by(os.getpid()) - before
    assert not list(temporary.iterdir())


@pytest.mark.usefixtures("nothing_stays")
async def test_a_request_goes_through_each_node_to_the_upstream() -> None:
    async with cluster.running(cluster.Plan(nodes=2)) as running, aiohttp.ClientSession() as session:
        for node in running.nodes:
            async with session.get(f"{node.url}/x", headers={"X-API-Key": "a-key"}) as response:
                assert response.status == 200
        log = running.upstream_log
        assert await polling.until(lambda: log.read_text().count("\n") == 2, 5)
        assert '"node-1"' in log.read_text()
        assert '"node-2"' in log.read_text()


@pytest.mark.usefixtures("nothing_stays")
async def test_nodes_stand_in_front_of_an_upstream_that_runs_already() -> None:
    async with cluster.running(cluster.Plan(nodes=1)) as behind, aiohttp.ClientSession() as session:
        plan = cluster.Plan(nodes=1, redis_url=behind.redis_url, upstream_url=behind.upstream_url)
        async with cluster.running(plan) as running:
            async with session.get(f"{running.nodes[0].url}/x", headers={"X-API-Key": "a-key"}) as response:
                assert response.status == 200
            assert not running.upstream_log.exists()
        assert await polling.until(lambda: behind.upstream_log.read_text().count("\n") == 1, 5)


@pytest.mark.usefixtures("nothing_stays")
async def test_nodes_get_their_own_settings() -> None:
    plan = cluster.Plan(
        nodes=2,
        node_environment={"GATEWAY_DEFAULT_LIMIT": "1/h"},
        environments_by_node={"node-2": {"GATEWAY_DEFAULT_LIMIT": "2/h"}},
    )
    async with cluster.running(plan) as running, aiohttp.ClientSession() as session:
        statuses = []
        for node in (*running.nodes, running.nodes[0]):
            async with session.get(node.url, headers={"X-API-Key": "a-key"}) as response:
                statuses.append(response.status)
    assert statuses == [200, 200, 429]


@pytest.mark.usefixtures("nothing_stays")
async def test_a_child_that_died_by_itself_does_not_hinder_the_end() -> None:
    async with cluster.running(cluster.Plan(nodes=2)) as running:
        os.kill(running.nodes[0].pid, signal.SIGKILL)
        assert await running.nodes[0].child.ends(5)


@pytest.mark.usefixtures("nothing_stays")
async def test_a_node_that_does_not_start_is_reported_in_its_own_words() -> None:
    plan = cluster.Plan(nodes=2, node_environment={"GATEWAY_DEFAULT_LIMIT": "often"})
    with pytest.raises(StartError, match=r"node-\d does not start: .*often"):
        async with cluster.running(plan):
            pass


@pytest.mark.usefixtures("nothing_stays")
async def test_a_port_that_was_taken_meanwhile_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        taken = thief.getsockname()[1]
        ports = iter([taken])
        monkeypatch.setattr(nodes, "free_port", lambda: next(ports, None) or free_port())
        async with cluster.running(cluster.Plan(nodes=1)) as running:
            assert str(taken) not in running.nodes[0].url


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("after_seconds", [0.0, 0.5])
async def test_cancelling_in_the_middle_of_the_start_leaves_nothing(after_seconds: float) -> None:
    async def start() -> None:
        async with cluster.running(cluster.Plan()):
            await asyncio.Event().wait()

    task = asyncio.create_task(start())
    await asyncio.sleep(after_seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(started_by(os.getpid())) == started_by(os.getpid())
