"""The counting connection: replies in order, errors in their place, and nothing sent twice."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.errors import StoreUnavailable
from gateway.limiter import wire
from gateway.limiter.wire import Wire
from loadtest import redis_server
from tests.integration.gateway.limiter.node import hanging


@asynccontextmanager
async def opened(redis_url: str) -> AsyncIterator[Wire]:
    line = Wire(redis_url)
    await line.open()
    try:
        yield line
    finally:
        await line.close()


async def test_replies_come_in_the_order_of_the_commands(redis_url: str) -> None:
    async with opened(redis_url) as line:
        await line.send([("HINCRBY", "k", 1, 2), ("HGETALL", "k"), ("HINCRBY", "k", 1, 3)])
        assert await line.receive(3) == [2, [b"1", b"2"], 5]


async def test_a_pipeline_can_be_sent_before_the_replies_of_the_last_are_read(redis_url: str) -> None:
    async with opened(redis_url) as line:
        await line.send([("HINCRBY", "k", 1, 1)])
        await line.send([("HINCRBY", "k", 1, 1)])
        assert await line.receive(1) + await line.receive(1) == [1, 2]


async def test_an_error_reply_stands_in_its_place(redis_url: str) -> None:
    async with opened(redis_url) as line:
        await line.send([("SET", "k", "text"), ("HINCRBY", "k", 1, 1), ("GET", "k")])
        first, error, last = await line.receive(3)
    assert isinstance(error, ResponseError)
    assert (first, last) == (b"OK", b"text")


async def test_nobody_there_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable):
        await Wire("redis://127.0.0.1:1/0").open()


async def test_a_redis_that_takes_the_connection_and_says_nothing_is_an_outage() -> None:
    with redis_server.running() as server, hanging(server.pid):
        async with asyncio.timeout(10 * wire.CONNECT_SECONDS):
            with pytest.raises(StoreUnavailable):
                await Wire(server.url).open()


async def test_a_closed_wire_is_an_outage(redis_url: str) -> None:
    async with opened(redis_url) as line:
        await line.close()
        with pytest.raises(StoreUnavailable):
            await line.send([("TIME",)])


async def test_a_connection_that_redis_closes_is_an_outage_and_can_be_opened_again(
    redis_url: str, redis_client: Redis
) -> None:
    async with opened(redis_url) as line:
        await redis_client.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(StoreUnavailable):
            await line.receive(1)
        await line.close()
        await line.open()
        await line.send([("HINCRBY", "k", 1, 1)])
        assert await line.receive(1) == [1]


async def test_a_counting_command_is_sent_once_however_the_connection_fares() -> None:
    """redis-py's own default resends a failed command; a server that hangs up at once would see it again."""
    seen: list[bytes] = []
    connections: list[asyncio.StreamWriter] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while b"HINCRBY" not in (data := await reader.read(65536)):
            if not data:
                return
            writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
        seen.append(data)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"redis://127.0.0.1:{port}/0") as line:
        await line.send([("HINCRBY", "k", 1, 1)])
        with pytest.raises(StoreUnavailable):
            await line.receive(1)
        with pytest.raises(StoreUnavailable):
            await line.send([("HINCRBY", "k", 1, 1)])
    assert len(connections) == 1
    assert b"".join(seen).count(b"HINCRBY") == 1


async def test_a_reset_in_the_middle_of_sending_is_an_outage_whatever_the_event_loop_calls_it() -> None:
    """uvloop raises a RuntimeError of its own where a reset has closed the handle under the writer."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while b"HINCRBY" not in (data := await reader.read(65536)):
            writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"redis://127.0.0.1:{port}/0") as line:
        with pytest.raises(StoreUnavailable):
            await send_for_ever(line)


async def send_for_ever(line: Wire) -> None:
    while True:
        await line.send([("HINCRBY", "k", 1, 1)])
        await asyncio.sleep(0.001)
