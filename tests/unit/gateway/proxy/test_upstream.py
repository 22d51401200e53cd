"""The protocol without a socket: what the upstream sends is fed, what goes to it is kept."""

import asyncio
import gc
from typing import Any

import pytest

from gateway.proxy.upstream import UpstreamConnection, UpstreamError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> UpstreamConnection:
    connection = UpstreamConnection(asyncio.get_running_loop())
    connection.connection_made(wire)
    return connection


async def test_a_head_goes_out_as_it_is(connection: UpstreamConnection, wire: Wire) -> None:
    connection.start(b"GET / HTTP/1.1\r\n\r\n", has_answer_body=True)

    assert wire.written == b"GET / HTTP/1.1\r\n\r\n"


async def test_an_answer_may_come_byte_by_byte(connection: UpstreamConnection) -> None:
    answer = connection.start(b"x", has_answer_body=True)
    for byte in OK:
        connection.data_received(bytes([byte]))
    message, payload = await answer

    assert message.code == 200
    assert await payload.read() == b"ok"
    assert connection.rest()


async def test_one_connection_serves_one_exchange_after_the_other(connection: UpstreamConnection) -> None:
    for _ in range(3):
        answer = connection.start(b"x", has_answer_body=True)
        connection.data_received(OK)
        _, payload = await answer
        assert await payload.read() == b"ok"
        assert connection.rest()


NOT_REUSABLE = {
    "it says close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "it speaks HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "the body is not over": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
    "another answer follows": OK + OK,
    "a part of another answer follows": OK + b"HTT",
}


@pytest.mark.parametrize("answer", NOT_REUSABLE.values(), ids=NOT_REUSABLE)
async def test_a_connection_is_not_used_again_where(connection: UpstreamConnection, answer: bytes) -> None:
    future = connection.start(b"x", has_answer_body=True)
    connection.data_received(answer)
    _, payload = await future
    await payload.readany()

    assert not connection.rest()


async def test_what_comes_while_nothing_is_asked_ends_the_connection(
    connection: UpstreamConnection, wire: Wire
) -> None:
    answer = connection.start(b"x", has_answer_body=True)
    connection.data_received(OK)
    await (await answer)[1].read()
    assert connection.rest()
    connection.data_received(b"HTTP/1.1 408 Timeout\r\n\r\n")

    assert wire.closed
    assert not connection.can_be_reused


@pytest.mark.parametrize(("received", "untouched"), [(b"", True), (b"H", False)])
async def test_a_loss_before_the_answer_tells_whether_anything_came(
    connection: UpstreamConnection, received: bytes, untouched: bool
) -> None:
    answer = connection.start(b"x", has_answer_body=True)
    connection.data_received(received)
    connection.connection_lost(None)

    with pytest.raises(UpstreamError) as error:
        await answer
    assert error.value.untouched is untouched


async def test_a_failure_that_nobody_waits_for_any_more_is_not_logged() -> None:
    lost: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: lost.append(context))

    def lose() -> None:
        connection = UpstreamConnection(loop)
        connection.connection_made(Wire())
        connection.start(b"x", has_answer_body=True)
        connection.connection_lost(None)

    lose()
    gc.collect()
    await asyncio.sleep(0)

    assert lost == []


async def test_a_body_until_close_is_whole_if_the_close_was_in_order(connection: UpstreamConnection) -> None:
    answer = connection.start(b"x", has_answer_body=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall")
    _, payload = await answer
    connection.connection_lost(None)

    assert await payload.read() == b"all"


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nsome", ConnectionResetError()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n", None),
    ],
)
async def test_a_body_that_breaks_off_raises(
    connection: UpstreamConnection, part: bytes, error: Exception | None
) -> None:
    answer = connection.start(b"x", has_answer_body=True)
    connection.data_received(part)
    _, payload = await answer
    connection.connection_lost(error)

    with pytest.raises(UpstreamError):
        await payload.read()


async def test_a_drain_ends_where_the_connection_does(connection: UpstreamConnection) -> None:
    connection.start(b"x", has_answer_body=True)
    connection.pause_writing()
    drained = asyncio.ensure_future(connection.drain())
    await asyncio.sleep(0)
    connection.connection_lost(ConnectionResetError())

    with pytest.raises(UpstreamError):
        await drained
    with pytest.raises(UpstreamError):
        await connection.drain()
