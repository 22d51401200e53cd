"""A gibibyte through a node that is a process of its own: its memory stays what it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.gateway.client import request
from tests.integration.gateway.processes import NodeProcess, node_process

GIBIBYTE = 1 << 30
PIECE = bytes(1 << 20)
MOST_GROWTH_BYTES = 20 << 20
PATIENCE_SECONDS = 60.0
TCP_MEMORY = Path("/proc/sys/net/ipv4")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def in_kernel_bytes() -> int:
    """What may be under way on two connections: as much as Linux lets their buffers grow to."""
    most = [int((TCP_MEMORY / name).read_text().split()[-1]) for name in ("tcp_rmem", "tcp_wmem")]
    return 2 * sum(most)


class Flow:
    """Bytes that one side sends and the other takes, when it is let."""

    def __init__(self) -> None:
        self.sent = 0
        self.taken = 0
        self.may_take = asyncio.Event()

    async def send(self, writer: asyncio.StreamWriter, length: int) -> None:
        while self.sent < length:
            writer.write(PIECE)
            await writer.drain()
            self.sent += len(PIECE)

    async def take(self, reader: asyncio.StreamReader, length: int) -> None:
        await self.may_take.wait()
        while self.taken < length:
            piece = await reader.read(len(PIECE))
            assert piece, f"it ended after {self.taken} bytes"
            self.taken += len(piece)

    async def stands_still(self) -> None:
        """Wait until the sender cannot send more for a while."""
        before = -1
        while before != self.sent:
            before = self.sent
            await asyncio.sleep(0.5)


class MemoryWatch:
    """Asks a node for its resident memory, again and again."""

    def __init__(self, node: NodeProcess) -> None:
        self._node = node
        self.before_bytes = 0
        self.most_bytes = 0

    async def read(self) -> int:
        return (await self._node.record()).rss_bytes

    async def run(self) -> None:
        while True:
            self.most_bytes = max(self.most_bytes, await self.read())
            await asyncio.sleep(0.05)

    @property
    def growth_bytes(self) -> int:
        return self.most_bytes - self.before_bytes


@asynccontextmanager
async def watched_node(
    folder: Path, redis_url: str, serve: Serve
) -> AsyncIterator[tuple[NodeProcess, MemoryWatch]]:
    """A node that has served a little, in front of an upstream that does `serve`."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=len(PIECE))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {"GATEWAY_UPSTREAM_URL": url, "REDIS_URL": redis_url, "GATEWAY_STORE_DEADLINE": "2"}
    async with server, node_process(folder, **settings) as node:
        async with await node.connect() as client:
            for _ in range(3):
                await client.get(b"/small", method=b"POST", body=PIECE)
        watch = MemoryWatch(node)
        watch.before_bytes = await watch.read()
        watching = asyncio.create_task(watch.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield node, watch
        watching.cancel()


async def big_upload(flow: Flow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await flow.take(reader, GIBIBYTE)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def big_answer(flow: Flow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIBIBYTE)
    await flow.send(writer, GIBIBYTE)


def serving(flow: Flow, big: Callable[..., Awaitable[None]]) -> Serve:
    """An upstream that answers /small with what it was sent, and /big by `big`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b" /big " in head:
                    await big(flow, reader, writer)
                else:
                    body = await reader.readexactly(len(PIECE))
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return serve


async def test_a_gibibyte_goes_to_the_upstream_at_the_upstreams_pace(redis_url: str, tmp_path: Path) -> None:
    flow = Flow()
    async with (
        watched_node(tmp_path, redis_url, serving(flow, big_upload)) as (node, watch),
        await node.connect() as client,
    ):
        await client.send(request(b"/big", b"Content-Length: %d" % GIBIBYTE, method=b"POST"))
        sending = asyncio.create_task(flow.send(client.writer, GIBIBYTE))
        await flow.stands_still()
        assert flow.sent < MOST_GROWTH_BYTES + in_kernel_bytes()
        flow.may_take.set()
        await sending
        assert b"200 OK" in await client.reader.readuntil(b"\r\n")

    assert flow.taken == GIBIBYTE
    assert watch.growth_bytes < MOST_GROWTH_BYTES


async def test_a_gibibyte_goes_to_the_client_at_the_clients_pace(redis_url: str, tmp_path: Path) -> None:
    flow = Flow()
    async with (
        watched_node(tmp_path, redis_url, serving(flow, big_answer)) as (node, watch),
        await node.connect() as client,
    ):
        await client.send(request(b"/big"))
        await client.head()
        await flow.stands_still()
        assert flow.sent < MOST_GROWTH_BYTES + in_kernel_bytes()
        flow.may_take.set()
        await flow.take(client.reader, GIBIBYTE)

    assert flow.sent == flow.taken == GIBIBYTE
    assert watch.growth_bytes < MOST_GROWTH_BYTES
