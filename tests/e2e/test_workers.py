"""A node of several processes, as the processes that an operator starts: to the outside it is one node."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys, telemetry
from gateway.contract.codec import decode
from gateway.contract.roster import RosterEntry
from gateway.contract.telemetry import TelemetryRecord, Totals
from loadtest.ports import free_port
from tests.e2e.balancer import Backend, load
from tests.integration.gateway.client import Client, request
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process, run_to_end
from tests.integration.gateway.upstream import Peer, Upstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as started:
        yield started


@asynccontextmanager
async def node_of(
    workers: int, folder: Path, upstream: Upstream, redis_url: str, **settings: str
) -> AsyncIterator[NodeProcess]:
    usual = {
        "GATEWAY_WORKERS": str(workers),
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "REDIS_URL": redis_url,
        "NODE_ID": "node-1",
        "GATEWAY_DEFAULT_LIMIT": "1000000/m",
        "GATEWAY_STORE_DEADLINE": "2",  # a late answer on a loaded machine is no outage
    }
    async with node_process(folder, **(usual | settings)) as node:
        yield node


def workers_of(node: NodeProcess) -> list[int]:
    """Their process ids."""
    pid = node.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def record(node: NodeProcess) -> TelemetryRecord:
    async with await node.connect_admin() as admin:
        return decode(RosterEntry, (await admin.get(b"/state")).body).last


async def published(redis: Redis) -> list[TelemetryRecord]:
    items: Any = await redis.xrange(keys.TELEMETRY)
    return [decode(TelemetryRecord, fields[telemetry.STREAM_FIELD]) for _, fields in items]


async def answers_over_connections(node: NodeProcess, connections: int, requests: int) -> Counter[int]:
    """The statuses of so many requests over each of so many connections at a time."""

    async def one() -> list[int]:
        async with await node.connect() as client:
            return [(await client.get()).status for _ in range(requests)]

    statuses: Counter[int] = Counter()
    for of_one in await asyncio.gather(*(one() for _ in range(connections))):
        statuses.update(of_one)
    return statuses


async def test_limits_and_counts_are_exact_over_all_workers(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with node_of(3, tmp_path, upstream, redis_url, GATEWAY_DEFAULT_LIMIT="123/h") as node:
        statuses = await answers_over_connections(node, connections=40, requests=10)
        async with await node.connect() as client:
            assert (await client.get(key=None)).status == 401
        now = await eventually(lambda: record(node), lambda seen: seen.boot.requests == 401)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert statuses == {200: 123, 429: 277}
    assert len(upstream.requests) == 123
    totals = Totals(requests=401, admitted=123, refused=277, unidentified=1)
    assert now.boot == totals
    assert (now.busiest[0].units, now.busiest[0].error, now.most_refused[0].units) == (400, 0, 277)
    assert sum(count for _, count in now.latency) == 123
    assert now.store.decisions + now.store.remembered == 400
    (entry,) = (await redis_client.hgetall(keys.NODES)).values()
    last = decode(RosterEntry, entry).last
    assert (last.leaving, last.boot, last.in_flight) == (True, totals, 0)
    records = await published(redis_client)
    assert {each.node_id for each in records} == {"node-1"}
    assert [each.sequence for each in records] == list(range(1, len(records) + 1))
    assert "Traceback" not in log


async def test_of_a_worker_that_is_killed_only_what_was_in_flight_on_it_fails(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            upstream.requests.append(head)
            target = head.start_line.split()[1]
            await peer.body(head)
            await asyncio.sleep(0.01)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    upstream.script = script
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        backend = Backend(node.port, node.admin_port)
        async with load([backend], clients=30, per_second=300) as balancer:
            await balancer.answers(backend, 200)
            victim, other = workers_of(node)
            os.kill(victim, signal.SIGKILL)
            await balancer.answers(backend, 200)
            await balancer.until(lambda: node.log.read_text().count("worker 1 serves") == 1)
            await balancer.answers(backend, 200)
            assert other in workers_of(node)
            assert len(workers_of(node)) == 2
        told = await eventually(lambda: record(node), lambda seen: seen.in_flight == 0)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert balancer.statuses.keys() == {200}
    assert 0 < len(balancer.failed) <= 30
    answered = balancer.statuses[200]
    assert answered - 300 * 2 <= told.boot.admitted <= answered + len(balancer.failed)
    assert "worker 1 ended by SIGKILL; it is started again now" in log
    assert "Traceback" not in log
    records = await published(redis_client)
    assert len({each.boot_id for each in records}) == 1
    totals = [each.boot.requests for each in records]
    assert totals == sorted(totals)
    cpu = [each.cpu_seconds for each in records]
    assert cpu == sorted(cpu)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_all_drain_together_and_finish_what_is_in_flight(
    upstream: Upstream, redis_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await release.wait()
        await peer.send(OK)

    upstream.script = script
    async with node_of(2, tmp_path, upstream, redis_url) as node, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(20)]
        for client in clients:
            await client.send(request())
        await eventually(lambda: record(node), lambda seen: seen.in_flight == 20)
        for pid in (node.process.pid, *workers_of(node)):  # as a terminal and a service manager do
            os.kill(pid, number)
        await eventually(lambda: refuses(node.port), bool)
        async with await node.connect_admin() as admin:
            answer = await admin.get(b"/readyz")
        assert (answer.status, answer.body) == (503, b"draining\n")
        assert node.process.returncode is None
        release.set()
        assert [(await client.answer()).body for client in clients] == [b"ok"] * 20
        assert await node.ends() == 0
        log = node.log.read_text()
    assert "stopping: no new connections" in log
    assert "Traceback" not in log


async def test_a_second_signal_cuts_off_what_is_in_flight_on_all(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.gone()

    upstream.script = script
    async with node_of(2, tmp_path, upstream, redis_url) as node, AsyncExitStack() as stack:
        for _ in range(20):
            client = await stack.enter_async_context(await node.connect())
            await client.send(request())
        await eventually(lambda: record(node), lambda seen: seen.in_flight == 20)
        node.process.send_signal(signal.SIGTERM)
        await eventually(lambda: refuses(node.port), bool)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0

    (entry,) = (await redis_client.hgetall(keys.NODES)).values()
    assert decode(RosterEntry, entry).last.boot.failed == 20


async def refuses(port: int) -> bool:
    try:
        async with await Client.connect(port):
            return False
    except OSError:
        return True


async def test_without_the_first_process_the_workers_finish_and_leave_the_port(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await release.wait()
        await peer.send(OK)

    upstream.script = script
    settings = {"GATEWAY_DRAIN_DELAY": "3600"}
    async with (
        node_of(2, tmp_path, upstream, redis_url, **settings) as node,
        await node.connect() as client,
    ):
        await client.send(request())
        await eventually(lambda: record(node), lambda seen: seen.in_flight == 1)
        left = workers_of(node)
        node.process.kill()
        await eventually(lambda: refuses(node.port), bool)
        release.set()
        assert (await client.answer()).body == b"ok"
        await eventually(lambda: are_gone(left), bool)


async def are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_connections_are_spread_over_the_workers(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    def descriptors(pid: int) -> int:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only their number counts

    async with node_of(2, tmp_path, upstream, redis_url) as node, AsyncExitStack() as stack:
        pids = workers_of(node)
        before = [descriptors(pid) for pid in pids]
        for _ in range(200):
            await stack.enter_async_context(await node.connect())

        async def accepted() -> list[int]:
            return [descriptors(pid) - had for pid, had in zip(pids, before, strict=True)]

        shares = await eventually(accepted, lambda counts: sum(counts) >= 200)

    assert min(shares) > 60, shares


async def test_a_reload_reaches_all_workers_or_none(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text('[[clients]]\nname = "acme"\nkey = "key-1"\nlimit = "10/m"\n')
    async with node_of(2, tmp_path, upstream, redis_url, GATEWAY_CLIENTS_FILE="clients.toml") as node:

        async def policies() -> set[bytes | None]:
            found = set()
            for _ in range(20):
                async with await node.connect() as client:
                    found.add((await client.get()).value("RateLimit-Policy"))
            return found

        file.write_text("nonsense")
        node.process.send_signal(signal.SIGHUP)
        failed = (await eventually(lambda: record(node), lambda seen: seen.reloads.failed)).reloads
        assert "clients.toml" in failed.problem
        assert await policies() == {b'"client";q=10;w=60'}

        file.write_text('[[clients]]\nname = "acme"\nkey = "key-1"\nlimit = "20/h"\n')
        node.process.send_signal(signal.SIGHUP)
        done = (await eventually(lambda: record(node), lambda seen: seen.reloads.done)).reloads
        assert (done.done, done.failed, done.problem) == (1, 1, "")
        await eventually(policies, lambda found: found == {b'"client";q=20;w=3600'})

        file.write_text('[[clients]]\nname = "acme"\nkey = "key-1"\nlimit = "30/h"\n')
        os.kill(workers_of(node)[0], signal.SIGKILL)
        await eventually(policies, lambda found: found == {b'"client";q=30;w=3600'})
        log = node.log.read_text()
    assert "the files have changed since: all workers read them anew" in log


async def test_what_stops_the_start_of_workers_is_said_once(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url, "GATEWAY_WORKERS": "2"}
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        taken = {"GATEWAY_PORT": str(node.port), "GATEWAY_ADMIN_PORT": str(free_port())}
        port = await run_to_end(tmp_path, **settings, **taken)
    file = await run_to_end(tmp_path, **settings, GATEWAY_CLIENTS_FILE="nowhere.toml")

    assert (port.code, port.stderr.count("cannot listen there: Address already in use")) == (3, 1)
    assert (file.code, file.stderr.count("GATEWAY_CLIENTS_FILE=nowhere.toml: No such file")) == (2, 1)
