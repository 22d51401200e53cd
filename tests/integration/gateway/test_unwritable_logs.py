"""A log that cannot be written stops no request, and not the end of the node either."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.gateway.client import Client
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import CLOSED, NodeProcess, node_process
from tests.integration.gateway.upstream import Upstream

REQUESTS = 100


@pytest.fixture
def settings(upstream: Upstream, redis_url: str) -> dict[str, str]:
    """Of a node that says more than anybody wants."""
    return {
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_DEFAULT_LIMIT": "10000/h",
        "REDIS_URL": redis_url,
    }


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that takes nothing more until it is read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while os.write(writing, b"." * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writing, True)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


async def serves(node: NodeProcess) -> None:
    """It answers what is right, what is wrong, and what makes it log."""
    for _ in range(REQUESTS):
        async with await node.connect() as client:
            assert (await client.get()).status == 200
            await client.send(b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n")
            assert (await client.answer()).status == 400


async def lost(node: NodeProcess) -> int:
    async with await Client.connect(node.admin_port) as client:
        metrics = (await client.get_admin(b"/metrics")).body.decode().splitlines()
    (line,) = (line for line in metrics if line.startswith("gateway_log_lines_lost_total "))
    return int(line.split()[1])


async def ends_in_order(node: NodeProcess) -> None:
    node.process.send_signal(signal.SIGTERM)
    assert await node.ends() == 0


async def test_a_node_whose_log_nobody_reads_serves_and_ends(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with full_pipe() as (reading, writing):
        async with node_process(tmp_path, writing, **settings) as node:
            await serves(node)
            await ends_in_order(node)
        assert os.read(reading, 1) == b"."


async def test_what_was_waiting_comes_out_when_it_is_read(settings: dict[str, str], tmp_path: Path) -> None:
    with full_pipe() as (reading, writing):
        async with node_process(tmp_path, writing, **settings) as node:
            await serves(node)
            os.set_blocking(reading, False)
            said = bytearray()

            async def log() -> bytes:
                with suppress(BlockingIOError):
                    said.extend(os.read(reading, 65536))
                return bytes(said)

            await eventually(log, lambda text: text.count(b"malformed request") == REQUESTS)
            assert await lost(node) == 0
            await ends_in_order(node)


async def test_a_node_whose_disk_is_full_serves_counts_and_ends(
    settings: dict[str, str], tmp_path: Path
) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        async with node_process(tmp_path, descriptor, **settings) as node:
            await serves(node)
            await eventually(lambda: lost(node), lambda lines: lines > REQUESTS)
            await ends_in_order(node)
    finally:
        os.close(descriptor)


async def test_a_node_whose_log_has_lost_its_reader_serves_and_ends(
    settings: dict[str, str], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        async with node_process(tmp_path, writing, **settings) as node:
            await serves(node)
            await ends_in_order(node)
    finally:
        os.close(writing)


async def test_a_node_without_stderr_serves_and_ends_and_gives_no_socket_its_number(
    settings: dict[str, str], tmp_path: Path
) -> None:
    async with node_process(tmp_path, CLOSED, **settings) as node:
        await serves(node)
        assert Path(f"/proc/{node.process.pid}/fd/2").readlink() == Path(os.devnull)
        await ends_in_order(node)
