"""The two halves of a node of several processes, each in this process: the first one, and a worker."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.building import Signals
from gateway.config.settings import Settings
from gateway.errors import StartError
from gateway.listener import shared_sockets
from gateway.log_writer import LogWriter
from gateway.workers import assignment as assignments
from gateway.workers import channel as channels
from gateway.workers import node, worker
from gateway.workers.assignment import Assignment
from gateway.workers.channel import Channel
from gateway.workers.messages import Orders, Refusal, Word
from gateway.workers.shared_counters import create
from loadtest.ports import free_port
from tests.integration.gateway.client import Client, within
from tests.integration.gateway.node import USUAL, Node, eventually
from tests.integration.gateway.published import entry
from tests.integration.gateway.upstream import Peer, Upstream
from tests.integration.loadtest.processes import started_by


@pytest.fixture
def log() -> Iterator[LogWriter]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    writer = LogWriter(descriptor, lambda lines: b"%d lost\n" % lines)
    yield writer
    writer.close()
    os.close(descriptor)


@pytest.fixture
def settings(upstream: Upstream, redis_url: str) -> Settings:
    port = free_port()
    given: dict[str, Any] = USUAL | {"workers": 2, "upstream_url": upstream.url, "redis_url": redis_url}
    return Settings(**given, port=port, admin_port=free_port())


@pytest.fixture
async def first(settings: Settings, log: LogWriter, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    """The first process; its workers are processes."""
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-m", "gateway"])
    stop, reread, hurry = asyncio.Event(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(node.run(settings, Signals(stop, hurry, reread), log))
    started = Node(settings.port, settings.admin_port, stop, reread, hurry, task)

    async def serves() -> bool:
        if task.done():
            task.result()
        try:
            return (await started.admin("/readyz"))[0] == 200
        except OSError:
            return False

    await eventually(serves, bool)
    yield started
    await started.shut_down()


def worker_pids() -> list[int]:
    found = started_by(os.getpid())
    return [pid for pid in sorted(found) if b"--channel=" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_the_first_process_keeps_workers_at_work_and_speaks_for_them(
    first: Node, redis_client: Redis
) -> None:
    for _ in range(20):
        async with await first.connect() as client:
            assert (await client.get()).status == 200
    before = await eventually(first.record, lambda record: record.boot.admitted == 20)
    killed = worker_pids()[0]
    os.kill(killed, signal.SIGKILL)

    async def others() -> list[int]:
        return [pid for pid in worker_pids() if pid != killed]

    await eventually(others, lambda pids: len(pids) == 2)
    assert (await first.reload()).done == 1
    status, metrics = await first.admin("/metrics")
    assert status == 200
    assert 'gateway_requests_total{outcome="admitted"} 20\n' in metrics
    assert (await first.record()).boot_id == before.boot_id
    await first.shut_down()

    assert worker_pids() == []
    last = (await entry(redis_client)).last
    assert (last.leaving, last.boot.admitted) == (True, 20)


async def test_in_a_hurry_workers_cut_off_what_is_in_flight(first: Node, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.gone()

    upstream.script = script
    async with await first.connect() as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: a\r\n\r\n")
        await eventually(first.record, lambda record: record.in_flight == 1)
        first.stop.set()
        first.hurry.set()
        await within(first.task)


@dataclass
class Employer:
    """The other end of a worker's channel."""

    port: int
    channel: Channel
    task: "asyncio.Task[None]"

    async def hears(self) -> Word:
        word = await within(self.channel.hear(Word))
        assert word is not None
        return word


@asynccontextmanager
async def employed(settings: Settings, log: LogWriter) -> AsyncIterator[Employer]:
    """A worker in this process."""
    sockets, board = await shared_sockets("127.0.0.1", 0, 2), create(2)
    ours, its = socket.socketpair()
    port = sockets[0][0].getsockname()[1]
    given = tuple(tuple(os.dup(each.fileno()) for each in of_one) for of_one in sockets)
    assignments.send(ours, Assignment(1, 2, settings, given, board, b"secret"))
    assignment = await asyncio.to_thread(assignments.receive, its)
    task = asyncio.create_task(worker.work(assignment, its, log))
    channel = await Channel.over(ours)
    try:
        yield Employer(port, channel, task)
    finally:
        await channel.close()
        await asyncio.wait([task])
        os.close(board)
        for listening in (each for of_one in sockets for each in of_one):
            listening.close()


async def test_a_worker_hands_over_what_it_counts_and_does_as_it_is_told(
    settings: Settings, log: LogWriter
) -> None:
    async with employed(settings, log) as employer:
        first = (await employer.hears()).handover
        assert first is not None
        assert first.condition.store_connected
        employer.channel.say(Orders(live_nodes=3, reloads=1, orphans=(2,)))
        for _ in range(10):  # of these the other's socket gets some
            async with await Client.connect(employer.port) as client:
                assert (await client.get()).status == 200
        employer.channel.say(Orders(reloads=1, stop=True))
        told = []
        while (word := await employer.channel.hear(Word)) is not None:
            assert word.handover is not None
            told.append(word.handover)
        await within(employer.task)

    assert sum(each.counted.messages.get("admitted", 0) for each in [first, *told]) == 10
    assert sum(sum(each.counted.requests.values()) for each in [first, *told]) == 10
    assert [each.leaving for each in told[-2:]] == [True, True]
    assert told[-1].condition.reloads.done == 1
    assert told[-1].condition.gauges["in_flight"] == 0


async def test_a_worker_leaves_when_the_first_process_is_gone(settings: Settings, log: LogWriter) -> None:
    patient = settings.model_copy(update={"drain_delay": 3600.0})
    async with employed(patient, log) as employer:
        await employer.hears()
        await employer.channel.close()
        await within(employer.task)


async def test_a_worker_that_cannot_start_says_why(settings: Settings, log: LogWriter) -> None:
    unusable = settings.model_copy(update={"clients_file": Path("nowhere.toml")})
    async with employed(unusable, log) as employer:
        refusal = Refusal("GATEWAY_CLIENTS_FILE=nowhere.toml: No such file or directory", 2)
        assert await employer.hears() == Word(refusal=refusal)
        with pytest.raises(StartError, match=r"nowhere\.toml"):
            await within(employer.task)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, socket.socket]]:
    ours, its = socket.socketpair()
    channel = await Channel.over(ours)
    with its:
        yield channel, its


async def test_half_a_message_is_none(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    other.sendall(b'{"stop":true}\n{"stop":tr')
    other.close()

    assert await channel.hear(Orders) == Orders(stop=True)
    assert await channel.hear(Orders) is None
    channel.say(Orders())  # nobody hears it
    await channel.is_through()
    await channel.close()


async def test_a_channel_ends_also_where_the_other_end_takes_nothing(
    ends: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "CLOSE_SECONDS", 0.01)
    channel, _ = ends
    for _ in range(100):
        channel.say(Word(refusal=Refusal("x" * 10_000, 1)))

    await within(channel.close())
