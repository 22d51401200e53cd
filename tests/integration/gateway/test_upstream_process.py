"""An upstream that is a process of its own: stopped, killed and started again."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loadtest.cluster import own_environment
from loadtest.ports import free_port
from tests.integration.gateway.client import Client, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.processes import CODE

StartNode = Callable[..., Awaitable[Node]]


@asynccontextmanager
async def process(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The dummy upstream, when it listens."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "upstream", "--port", str(port)),
        env={**own_environment(), "PYTHONPATH": str(CODE)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert started.stdout is not None
        assert await within(started.stdout.readline())
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def statuses(*clients: Client) -> set[int]:
    """Of a request by each, at the same time."""
    return {answer.status for answer in await asyncio.gather(*(client.get() for client in clients))}


async def test_one_that_stands_still_is_a_504_and_one_that_died_a_502_until_it_is_back(
    start_node: StartNode,
) -> None:
    """The system goes on accepting for a process that stands still, and takes what is sent to it."""
    port = free_port()
    node = await start_node(upstream_url=f"http://127.0.0.1:{port}", upstream_timeout=2.0)
    async with await node.connect() as one, await node.connect() as two:
        async with process(port) as upstream:
            assert await statuses(one, two) == {200}
            upstream.send_signal(signal.SIGSTOP)
            assert await statuses(one, two) == {504}  # over kept connections
            assert await statuses(one, two) == {504}  # over new ones
            upstream.send_signal(signal.SIGCONT)
            assert await statuses(one, two) == {200}
        assert await statuses(one, two) == {502}
        async with process(port):
            assert await statuses(one, two) == {200}

    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed) == (6, 6)
    assert (record.upstream.timed_out, record.upstream.broken) == (4, 2)
