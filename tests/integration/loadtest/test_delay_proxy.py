"""The delay proxy between real sockets."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from loadtest import delay_proxy

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def proxied(handler: Handler) -> AsyncIterator[delay_proxy.DelayProxy]:
    """A proxy in front of a server that treats its connections with `handler`."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server, delay_proxy.running("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, and end when the other side ends."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def round_trip_seconds(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    started = time.monotonic()
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    return time.monotonic() - started


async def test_the_delay_holds_each_way_and_changes_while_a_connection_lives() -> None:
    async with proxied(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await round_trip_seconds(reader, writer)
        proxy.delay_seconds = 0.05
        assert await round_trip_seconds(reader, writer) >= 0.1
        proxy.delay_seconds = 0.0
        fastest = min([await round_trip_seconds(reader, writer) for _ in range(10)])
        assert fastest < 0.05
        writer.close()


async def test_a_share_of_what_clients_send_can_be_late_and_what_follows_waits() -> None:
    async with proxied(echo) as proxy:
        proxy.random.seed(1)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.late_seconds, proxy.late_share = 0.1, 0.25
        trips = [await round_trip_seconds(reader, writer) for _ in range(12)]
        proxy.late_share = 1.0
        writer.write(b"x")
        await asyncio.sleep(0.01)
        proxy.late_share = 0.0
        behind = await round_trip_seconds(reader, writer)
        writer.close()
    assert {trip >= 0.1 for trip in trips} == {True, False}
    assert behind >= 0.05


async def test_no_byte_is_lost_or_overtakes_while_the_delay_changes() -> None:
    sent = b"".join(n.to_bytes(4, "big") for n in range(500_000))
    async with proxied(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        async def send() -> None:
            for start in range(0, len(sent), 50_000):
                proxy.delay_seconds = 0.01 if start % 100_000 else 0.001
                writer.write(sent[start : start + 50_000])
                await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        received = await reader.read(-1)
        await sending
        writer.close()
    assert received == sent


async def test_a_delay_does_not_limit_the_throughput() -> None:
    amount = 8_000_000
    async with proxied(echo) as proxy:
        proxy.delay_seconds = 0.1
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        started = time.monotonic()
        writer.write(bytes(amount))
        await reader.readexactly(amount)
        elapsed = time.monotonic() - started
        writer.close()
    chunks_one_after_the_other = amount / 262_144 * 0.2
    assert 0.2 <= elapsed < chunks_one_after_the_other


async def test_an_end_of_one_direction_leaves_the_other_open() -> None:
    async def answer_after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.read(-1)
        writer.write(b"all of " + question)
        writer.close()

    async with proxied(answer_after_the_end) as proxy:
        proxy.delay_seconds = 0.01
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"it")
        writer.write_eof()
        assert await reader.read(-1) == b"all of it"
        writer.close()


async def test_a_reset_passes_on_as_a_reset() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        without_delay = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, without_delay)
        writer.transport.abort()

    async with proxied(reset) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()


async def test_a_target_that_is_not_there_resets_the_connection() -> None:
    async with delay_proxy.running("127.0.0.1", 1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()
    assert not proxy.sides


async def test_an_end_that_is_due_when_the_other_side_has_just_reset_is_no_fault() -> None:
    loop = asyncio.get_running_loop()
    faults: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        async with delay_proxy.running("127.0.0.1", server.getsockname()[1]) as proxy:
            proxy.delay_seconds = 0.2
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            accepted, _ = await loop.sock_accept(server)
            writer.write_eof()
            async with asyncio.timeout(5):
                while not (due := [side.queue[0][0] for side in proxy.sides if side.queue]):  # noqa: ASYNC110 - no Event is set
                    await asyncio.sleep(0.01)

            def reset() -> None:
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                accepted.close()

            loop.call_at(due[0] - 0.001, reset)
            time.sleep(0.3)  # noqa: ASYNC251 - both are due at once, and what came of the reset is not yet seen
            await asyncio.sleep(0.1)
            writer.close()
    assert faults == []
