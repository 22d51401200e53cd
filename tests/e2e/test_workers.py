"""The life of a node's workers: they are started again, and leave together."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RosterEntry, decode
from loadtest.ports import free_port
from tests.e2e.balancer import Backend, load
from tests.e2e.worker_nodes import node_of, refuses, says, workers_of
from tests.integration.gateway import published
from tests.integration.gateway.client import request
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import run_to_end
from tests.integration.gateway.upstream import Held, Peer, Upstream
from tests.integration.loadtest.processes import alive


async def echo(peer: Peer) -> None:
    """Answer each request with its target, after a moment."""
    while True:
        head = await peer.head()
        target = head.start_line.split()[1]
        await peer.body(head)
        await asyncio.sleep(0.03)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))


async def test_of_a_worker_that_is_killed_only_what_was_in_flight_on_it_fails(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    upstream.script = echo
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        backend = Backend(node.port, node.admin_port)
        async with load([backend], clients=30, per_second=300) as balancer:
            await balancer.answers(backend, 200)
            victim, other = workers_of(node)
            os.kill(victim, signal.SIGKILL)
            await balancer.answers(backend, 200)
            await says(node, "worker 1 serves")
            await balancer.answers(backend, 200)
            assert other in workers_of(node)
            assert len(workers_of(node)) == 2
        told = await eventually(node.record, lambda seen: seen.in_flight == 0)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert balancer.statuses.keys() == {200}
    assert len(balancer.failed) <= 30
    answered = balancer.statuses[200]
    assert answered - 300 * 2 <= told.boot.admitted <= answered + len(balancer.failed)
    assert "worker 1 ended by SIGKILL; it is started again now" in log
    assert "Traceback" not in log
    records = await published.records(redis_client)
    assert len({each.boot_id for each in records}) == 1
    totals = [each.boot.requests for each in records]
    assert totals == sorted(totals)
    cpu = [each.cpu_seconds for each in records]
    assert cpu == sorted(cpu)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_all_drain_together_and_finish_what_is_in_flight(
    upstream: Upstream, redis_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    upstream.script = held = Held(upstream)
    async with node_of(2, tmp_path, upstream, redis_url) as node, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(20)]
        for client in clients:
            await client.send(request())
        await eventually(node.record, lambda seen: seen.in_flight == 20)
        for pid in (node.process.pid, *workers_of(node)):  # as a terminal and a service manager do
            os.kill(pid, number)
        await eventually(lambda: refuses(node.port), bool)
        async with await node.connect_admin() as admin:
            answer = await admin.get_admin(b"/readyz")
        assert (answer.status, answer.body) == (503, b"draining\n")
        assert node.process.returncode is None
        held.go.set()
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
        await eventually(node.record, lambda seen: seen.in_flight == 20)
        node.process.send_signal(signal.SIGTERM)
        await eventually(lambda: refuses(node.port), bool)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0

    (entry,) = (await redis_client.hgetall(keys.NODES)).values()
    assert decode(RosterEntry, entry).last.boot.failed == 20


async def test_without_the_first_process_the_workers_finish_and_leave_the_port(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    upstream.script = held = Held(upstream)
    settings = {"GATEWAY_DRAIN_DELAY": "3600"}
    async with (
        node_of(2, tmp_path, upstream, redis_url, None, **settings) as node,
        await node.connect() as client,
    ):
        await client.send(request())
        await eventually(node.record, lambda seen: seen.in_flight == 1)
        left = workers_of(node)
        node.process.kill()
        await eventually(lambda: refuses(node.port), bool)
        held.go.set()
        assert (await client.answer()).body == b"ok"
        await eventually(lambda: are_gone(left), bool)


async def are_gone(pids: list[int]) -> bool:
    return not alive(set(pids))


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
        failed = (await eventually(node.record, lambda seen: seen.reloads.failed)).reloads
        assert "clients.toml" in failed.problem
        assert await policies() == {b'"client";q=10;w=60'}

        file.write_text('[[clients]]\nname = "acme"\nkey = "key-1"\nlimit = "20/h"\n')
        node.process.send_signal(signal.SIGHUP)
        done = (await eventually(node.record, lambda seen: seen.reloads.done)).reloads
        assert (done.done, done.failed, done.problem) == (1, 1, "")
        await eventually(policies, lambda found: found == {b'"client";q=20;w=3600'})

        file.write_text('[[clients]]\nname = "acme"\nkey = "key-1"\nlimit = "30/h"\n')
        os.kill(workers_of(node)[0], signal.SIGKILL)
        await eventually(policies, lambda found: found == {b'"client";q=30;w=3600'})
        log = node.log.read_text()
    assert "the files have changed since: all workers read them anew" in log


async def test_a_worker_that_cannot_start_again_is_tried_again_while_the_others_serve(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    file, good = tmp_path / "clients.toml", '[[clients]]\nname = "acme"\nkey = "key-1"\n'
    file.write_text(good)
    async with node_of(2, tmp_path, upstream, redis_url, GATEWAY_CLIENTS_FILE="clients.toml") as node:
        file.write_text("nonsense")
        os.kill(workers_of(node)[0], signal.SIGKILL)
        await says(node, "worker 1 cannot start: clients.toml: not TOML", times=2)
        for _ in range(20):
            async with await node.connect() as client:
                assert (await client.get()).status == 200

        file.write_text(good)
        await says(node, "worker 1 serves")
        assert len(workers_of(node)) == 2
        log = node.log.read_text()
    assert "started again in 0.5 s" in log
    assert "Traceback" not in log


async def test_what_stops_the_start_of_workers_is_said_once(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url, "GATEWAY_WORKERS": "2"}
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        taken = {"GATEWAY_PORT": str(node.port), "GATEWAY_ADMIN_PORT": str(free_port())}
        port = await run_to_end(tmp_path, **settings, **taken)
    file = await run_to_end(tmp_path, **settings, GATEWAY_CLIENTS_FILE="nowhere.toml")
    free = {"GATEWAY_PORT": "0", "GATEWAY_ADMIN_PORT": "0"}
    in_workers = await run_to_end(tmp_path, **settings, **free, GATEWAY_UPSTREAM_CA="nowhere.pem")

    assert (port.code, port.stderr.count("cannot listen there: Address already in use")) == (3, 1)
    assert (file.code, file.stderr.count("GATEWAY_CLIENTS_FILE=nowhere.toml: No such file")) == (2, 1)
    assert (in_workers.code, in_workers.stderr.count("GATEWAY_UPSTREAM_CA=nowhere.pem")) == (2, 1)
    assert "first process is gone" not in in_workers.stderr


async def test_a_worker_that_is_told_to_leave_is_replaced_and_loses_no_request(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    upstream.script = echo
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        backend = Backend(node.port, node.admin_port)
        async with load([backend], clients=30, per_second=300) as balancer:
            await balancer.answers(backend, 100)
            os.kill(workers_of(node)[0], signal.SIGTERM)
            await says(node, "worker 1 serves")
            await balancer.answers(backend, 100)
        told = await eventually(node.record, lambda seen: seen.in_flight == 0)
        log = node.log.read_text()

    assert balancer.failed == {}
    assert balancer.statuses == {200: told.boot.admitted}
    assert "worker 1 ended with 0; it is started again now" in log


async def test_while_a_worker_stands_still_the_others_take_its_connections(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        still = workers_of(node)[0]
        os.kill(still, signal.SIGSTOP)
        try:
            await says(node, "worker 1 stands still")
            for _ in range(40):
                async with await node.connect() as client:
                    assert (await client.get()).status == 200
        finally:
            os.kill(still, signal.SIGCONT)
        await says(node, "worker 1 serves")
        assert still in workers_of(node)
