"""What who awaits an answer gets, as its bytes come."""

import asyncio
import gc
from typing import Any

import pytest

from gateway.proxy.answer_head import AnswerHead
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from tests.unit.gateway.proxy.exchanges import OK, ask, whole
from tests.unit.gateway.proxy.wire import Wire


async def test_a_head_goes_out_as_it_is(connection: UpstreamConnection, wire: Wire) -> None:
    ask(connection, b"GET / HTTP/1.1\r\n\r\n", has_answer_body=True)

    assert wire.written == b"GET / HTTP/1.1\r\n\r\n"


async def test_an_answer_may_come_byte_by_byte(connection: UpstreamConnection) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    for byte in OK:
        connection.data_received(bytes([byte]))
    message, payload = await answer

    assert message.status == 200
    assert await whole(payload) == b"ok"
    assert connection.settle(1.0)


@pytest.mark.parametrize(("received", "untouched"), [(b"", True), (b"H", False)])
async def test_a_loss_before_the_answer_tells_whether_anything_came(
    connection: UpstreamConnection, received: bytes, untouched: bool
) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    if received:
        connection.data_received(received)
    connection.connection_lost(None)

    with pytest.raises(UpstreamError) as error:
        await answer
    assert error.value.untouched is untouched


async def test_one_that_is_lost_already_gives_no_answer(connection: UpstreamConnection) -> None:
    connection.connection_lost(None)
    answer = ask(connection, b"x", has_answer_body=True)

    with pytest.raises(UpstreamError) as error:
        await answer
    assert error.value.untouched


async def test_a_failure_that_nobody_waits_for_any_more_is_not_logged() -> None:
    lost: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: lost.append(context))

    def lose() -> None:
        connection = UpstreamConnection()
        connection.connection_made(Wire())
        ask(connection, b"x", has_answer_body=True)
        connection.connection_lost(None)

    lose()
    gc.collect()
    await asyncio.sleep(0)

    assert lost == []


async def test_a_body_until_close_is_whole_if_the_close_was_in_order(connection: UpstreamConnection) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall")
    _, payload = await answer
    connection.eof_received()
    connection.connection_lost(None)

    assert await whole(payload) == b"all"


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nsome", ConnectionResetError()),
        (b"HTTP/1.1 200 OK\r\n\r\nsome", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n", None),
    ],
)
async def test_a_body_that_breaks_off_raises(
    connection: UpstreamConnection, part: bytes, error: Exception | None
) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    connection.data_received(part)
    _, payload = await answer
    connection.connection_lost(error)

    with pytest.raises(UpstreamError):
        await whole(payload)


async def test_interim_answers_are_told_but_the_one_to_an_expectation(connection: UpstreamConnection) -> None:
    told: list[AnswerHead] = []
    answer = ask(connection, b"x", has_answer_body=True, on_interim=told.append)
    connection.data_received(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + OK)
    head, _ = await answer

    assert head.status == 200
    assert [(each.status, each.fields) for each in told] == [(103, [(b"Link", b"</a>")])]


async def test_a_body_that_nobody_reads_holds_the_upstream_back(
    connection: UpstreamConnection, wire: Wire
) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
    _, body = await answer
    connection.data_received(bytes(200_000))
    assert wire.paused
    assert len(await body.readany()) == 200_000
    assert not wire.paused


async def test_what_came_before_an_answer_broke_off_can_be_read(connection: UpstreamConnection) -> None:
    answer = ask(connection, b"x", has_answer_body=True)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome")
    _, body = await answer
    connection.connection_lost(None)

    assert await body.readany() == b"some"
    with pytest.raises(UpstreamError):
        await body.readany()
