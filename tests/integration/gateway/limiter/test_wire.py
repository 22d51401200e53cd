"""The counting connection: replies in order, errors in their place, and nothing sent twice."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract.redis_url import parse_redis_url
from gateway.errors import StoreUnavailable
from gateway.limiter.connection import Reply, RespProtocol
from gateway.limiter.frame import Command, pack
from gateway.redis_endpoint import Endpoint
from tests.integration.gateway.limiter.node import eventually


def pipeline(*commands: Command) -> bytes:
    return b"".join(map(pack, commands))


class Line:
    """A wire, what came by it, and how it ended."""

    def __init__(self) -> None:
        self.wire = RespProtocol(self._receive, self._lose)
        self.losses: list[StoreUnavailable] = []
        self._replies: list[Reply] = []

    def _receive(self, replies: list[Reply]) -> None:
        assert not self.losses
        self._replies += replies

    def _lose(self, reason: StoreUnavailable) -> None:
        self.losses.append(reason)

    async def receive(self, count: int) -> list[Reply]:
        """The next `count` replies."""
        await eventually(lambda: len(self._replies) >= count or bool(self.losses))
        if self.losses:
            raise self.losses[0]
        taken, self._replies = self._replies[:count], self._replies[count:]
        return taken


@asynccontextmanager
async def opened(redis_url: str) -> AsyncIterator[Line]:
    line = Line()
    await Endpoint(parse_redis_url(redis_url)).connect(lambda: line.wire)
    try:
        yield line
    finally:
        line.wire.close()


async def test_replies_come_in_the_order_of_the_commands(redis_url: str) -> None:
    async with opened(redis_url) as line:
        line.wire.send(pipeline(("HINCRBY", "k", 1, 2), ("HGETALL", "k"), ("HINCRBY", "k", 1, 3)))
        assert await line.receive(3) == [2, [b"1", b"2"], 5]


async def test_a_pipeline_can_be_sent_before_the_replies_of_the_last_are_read(redis_url: str) -> None:
    async with opened(redis_url) as line:
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        assert await line.receive(1) + await line.receive(1) == [1, 2]


async def test_an_error_reply_stands_in_its_place(redis_url: str) -> None:
    async with opened(redis_url) as line:
        line.wire.send(pipeline(("SET", "k", "text"), ("HINCRBY", "k", 1, 1), ("GET", "k")))
        first, error, last = await line.receive(3)
    assert isinstance(error, ResponseError)
    assert (first, last) == (b"OK", b"text")


async def test_nobody_there_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable):
        async with opened("redis://127.0.0.1:1/0"):
            pass


async def test_a_closed_wire_sends_nothing_and_says_nothing(redis_url: str, redis_client: Redis) -> None:
    async with opened(redis_url) as line:
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        await line.receive(1)
        line.wire.close()
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        assert await redis_client.hget("k", "1") == "1"
    assert line.losses == []


async def test_a_connection_that_redis_closes_is_an_outage_and_a_new_one_works(
    redis_url: str, redis_client: Redis
) -> None:
    async with opened(redis_url) as line:
        await redis_client.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(StoreUnavailable):
            await line.receive(1)
    async with opened(redis_url) as line:
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        assert await line.receive(1) == [1]


async def test_what_is_not_the_protocol_of_redis_is_an_outage() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with serving(greet) as url, opened(url) as line:
        with pytest.raises(StoreUnavailable, match="not the protocol of Redis"):
            await line.receive(1)
    assert len(line.losses) == 1


@asynccontextmanager
async def serving(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that is no Redis; its address."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


async def test_a_counting_command_is_sent_once_however_the_connection_fares() -> None:
    """redis-py's own default resends a failed command; a server that hangs up at once would see it again."""
    seen: list[bytes] = []
    connections: list[asyncio.StreamWriter] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while b"HINCRBY" not in (data := await reader.read(65536)):
            if not data:
                return
        seen.append(data)
        writer.close()

    async with serving(hang_up) as url, opened(url) as line:
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
        with pytest.raises(StoreUnavailable):
            await line.receive(1)
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
    assert len(line.losses) == 1
    assert len(connections) == 1
    assert b"".join(seen).count(b"HINCRBY") == 1


async def test_a_reset_in_the_middle_of_sending_is_an_outage_whatever_the_event_loop_calls_it() -> None:
    """uvloop raises a RuntimeError of its own where a reset has closed the handle under the writer."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"HINCRBY")
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with serving(reset) as url, opened(url) as line, asyncio.timeout(10):
        while not line.losses:
            line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
            await asyncio.sleep(0.001)
        line.wire.send(pipeline(("HINCRBY", "k", 1, 1)))
    assert len(line.losses) == 1
