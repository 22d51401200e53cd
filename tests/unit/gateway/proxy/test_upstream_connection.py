"""The protocol without a socket: what the upstream sends is fed, what goes to it is kept."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.clock import monotonic
from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import LARGE_BYTES, SHARE, Piece
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from tests.support.exchange import exchange
from tests.unit.gateway.proxy.wire import Wire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_one_connection_serves_one_exchange_after_the_other(connection: UpstreamConnection) -> None:
    for _ in range(3):
        response = exchange(connection)
        connection.data_received(OK)
        assert await response.content() == b"ok"
        assert connection.finish_exchange(1.0)


@pytest.mark.parametrize(("hint", "longest"), [(b"timeout=5", 5.0), (b"max=9", 100.0)])
async def test_an_idle_connection_waits_no_longer_than_the_upstream_keeps_it(
    connection: UpstreamConnection, hint: bytes, longest: float
) -> None:
    for lines in (b"Keep-Alive: " + hint + b"\r\n", b""):
        response = exchange(connection)
        connection.data_received(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")
        await response.content()
        before = monotonic()
        assert connection.finish_exchange(100.0)
        assert connection.idle_until - monotonic() <= longest
        assert connection.idle_until >= before + SHARE * longest


@pytest.mark.parametrize(("hint", "age_seconds"), [(b"timeout=0", 60.0), (b"timeout=60", 0.0)])
async def test_one_that_is_not_kept_or_that_is_old_is_not_used_again(
    wire: Wire, hint: bytes, age_seconds: float
) -> None:
    connection = UpstreamConnection(age_seconds)
    connection.connection_made(wire)
    response = exchange(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\nKeep-Alive: " + hint + b"\r\nContent-Length: 0\r\n\r\n")
    await response.content()

    assert not connection.finish_exchange(100.0)


NOT_REUSABLE = {
    "it says close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "it speaks HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "the body is not over": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
    "another answer follows": OK + OK,
    "a part of another answer follows": OK + b"HTT",
}


@pytest.mark.parametrize("answer", NOT_REUSABLE.values(), ids=NOT_REUSABLE)
async def test_a_connection_is_not_used_again_where(connection: UpstreamConnection, answer: bytes) -> None:
    response = exchange(connection)
    connection.data_received(answer)
    await response.headers()

    assert not connection.finish_exchange(1.0)


async def test_what_comes_while_nothing_is_asked_ends_the_connection(
    connection: UpstreamConnection, wire: Wire
) -> None:
    response = exchange(connection)
    connection.data_received(OK)
    await response.content()
    assert connection.finish_exchange(1.0)
    connection.data_received(b"HTTP/1.1 408 Timeout\r\n\r\n")

    assert wire.closed
    assert not connection.can_be_reused


async def test_a_head_goes_out_as_it_is(connection: UpstreamConnection, wire: Wire) -> None:
    exchange(connection, b"GET / HTTP/1.1\r\n\r\n")

    assert wire.written == b"GET / HTTP/1.1\r\n\r\n"


async def test_a_response_may_come_byte_by_byte(connection: UpstreamConnection) -> None:
    response = exchange(connection)
    for byte in OK:
        connection.data_received(bytes([byte]))

    assert (await response.headers()).status == 200
    assert await response.content() == b"ok"
    assert connection.finish_exchange(1.0)


@pytest.mark.parametrize(("received", "before_response"), [(b"", True), (b"H", False)])
async def test_a_loss_before_the_response_states_whether_any_byte_of_it_came(
    connection: UpstreamConnection, received: bytes, before_response: bool
) -> None:
    response = exchange(connection)
    if received:
        connection.data_received(received)
    connection.connection_lost(None)

    assert response.error is not None
    assert response.error.before_response is before_response


async def test_a_body_until_close_is_complete_if_the_close_was_in_order(
    connection: UpstreamConnection,
) -> None:
    response = exchange(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall")
    connection.eof_received()
    connection.connection_lost(None)

    assert await response.content() == b"all"


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nsome", ConnectionResetError()),
        (b"HTTP/1.1 200 OK\r\n\r\nsome", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n", None),
    ],
)
async def test_a_body_that_breaks_off_is_an_error_behind_what_came_of_it(
    connection: UpstreamConnection, part: bytes, error: Exception | None
) -> None:
    response = exchange(connection)
    connection.data_received(part)
    connection.connection_lost(error)

    assert response.body == b"some"
    with pytest.raises(UpstreamError):
        await response.content()


async def test_interim_responses_are_passed_on_except_100(connection: UpstreamConnection) -> None:
    passed: list[ResponseHead] = []
    response = exchange(connection, on_interim=passed.append)
    connection.data_received(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + OK)

    assert (await response.headers()).status == 200
    assert [(each.status, each.fields) for each in passed] == [(103, [(b"Link", b"</a>")])]


SWITCH = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"


async def test_after_a_switch_that_was_offered_the_connection_is_handed_over(
    connection: UpstreamConnection, wire: Wire
) -> None:
    response = exchange(connection, upgrade=b"websocket")
    connection.data_received(SWITCH + b"fra")
    connection.data_received(b"me")
    head = await response.headers()
    assert (head.status, wire.paused) == (101, True)

    class Tunnel(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

    assert not connection.can_be_reused
    tunnel = Tunnel()
    assert connection.detach(tunnel) == b"frame"
    assert wire.protocol is tunnel
    assert tunnel.transport is wire
    connection.close()
    assert not wire.closed
    with pytest.raises(UpstreamError):
        connection.detach(tunnel)


async def test_a_switch_that_nobody_offered_ends_the_connection(
    connection: UpstreamConnection, wire: Wire
) -> None:
    response = exchange(connection)
    connection.data_received(SWITCH)

    with pytest.raises(UpstreamError):
        await response.headers()
    assert wire.closed


class Listener:
    """Keeps what it is told, and acts when told of the end."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.told: list[int | Piece | str] = []
        self._act = act

    def on_headers(self, head: ResponseHead) -> None:
        self.told.append(head.status)

    def on_data(self, piece: Piece) -> None:
        self.told.append(piece)

    def on_response(self, head: ResponseHead, body: bytes) -> None:
        self.on_headers(head)
        self.on_data(body)
        self.on_complete()

    def on_idle(self) -> None: ...

    def on_upstream_full(self) -> None: ...

    def on_upstream_ready(self) -> None: ...

    def fail(self, error: BaseException) -> None:
        raise error

    def on_complete(self) -> None:
        self.told.append("ended")
        self._act()

    def on_error(self, error: UpstreamError) -> None:
        self.told.append("before_response" if error.before_response else "broke")


async def test_an_answer_that_comes_whole_is_told_within_one_call(connection: UpstreamConnection) -> None:
    listener = Listener()
    connection.start(b"x", listener, has_response_body=True)
    connection.data_received(OK)
    assert listener.told == [200, b"ok", "ended"]

    connection.connection_lost(None)
    assert listener.told == [200, b"ok", "ended"]


async def test_the_next_exchange_can_begin_where_the_end_of_one_is_told(
    connection: UpstreamConnection, wire: Wire
) -> None:
    second = Listener()

    def go_on() -> None:
        assert connection.finish_exchange(1.0)
        connection.start(b"second", second, has_response_body=True)

    connection.start(b"first ", Listener(go_on), has_response_body=True)
    connection.data_received(OK)
    assert (wire.written, second.told) == (b"first second", [])
    connection.data_received(OK[:-1])
    connection.connection_lost(ConnectionResetError())
    assert second.told == [200, b"o", "broke"]


async def test_who_lets_go_of_an_answer_is_told_nothing_more(connection: UpstreamConnection) -> None:
    listener = Listener()
    connection.start(b"x", listener, has_response_body=True)
    connection.data_received(OK[:-1])
    connection.close()
    connection.data_received(OK[-1:])
    connection.connection_lost(None)

    assert listener.told == [200, b"o"]


async def test_one_that_is_lost_already_tells_so_at_once(connection: UpstreamConnection) -> None:
    connection.connection_lost(None)
    listener = Listener()
    connection.start(b"x", listener, has_response_body=True)

    assert listener.told == ["before_response"]


async def test_a_connection_that_was_held_back_is_read_again_when_its_exchange_is_over(
    connection: UpstreamConnection, wire: Wire
) -> None:
    connection.start(b"x", Listener(), has_response_body=True)
    connection.pause_reading()
    connection.data_received(OK)
    assert wire.paused

    assert connection.finish_exchange(1.0)
    assert not wire.paused


async def test_a_large_piece_is_told_without_a_copy(connection: UpstreamConnection) -> None:
    listener = Listener()
    connection.start(b"x", listener, has_response_body=True)
    length = 3 * LARGE_BYTES
    first, second = b"a" * (2 * LARGE_BYTES), b"b" * LARGE_BYTES
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + first)
    connection.data_received(second)

    _, whole, last, end = listener.told
    assert isinstance(whole, memoryview)
    assert whole == first
    assert last is second
    assert end == "ended"
