"""A node that stood still blames nobody for it: what has come meanwhile is read before anybody is late."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import Piece
from gateway.proxy.deadline_queue import DeadlineQueue
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from gateway.proxy.upstream_pool import UpstreamAddress
from tests.integration.gateway.client import PATIENCE_SECONDS, within

LIMIT_SECONDS = 0.5


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_SECONDS)
        yield listening


@pytest.fixture
async def connection(server: socket.socket) -> AsyncIterator[UpstreamConnection]:
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    address = UpstreamAddress(url, ssl.create_default_context(), max_connections=1, idle_seconds=60.0)
    connected = await address.connect(PATIENCE_SECONDS)
    yield connected
    address.release(connected, in_order=False)
    address.close()


def stand_still() -> None:
    time.sleep(1.1 * LIMIT_SECONDS)


class Timed:
    """Receives an answer, held to its deadline."""

    def __init__(self) -> None:
        self.deadlines = DeadlineQueue(LIMIT_SECONDS)
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def on_headers(self, head: ResponseHead) -> None:
        del head

    def on_data(self, piece: Piece) -> None:
        del piece

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
        self.deadlines.cancel(self)
        self.told.put_nowait("ended")

    def on_error(self, error: UpstreamError) -> None:
        del error
        self.told.put_nowait("broke")

    def on_timeout(self) -> None:
        self.told.put_nowait("late")


@pytest.mark.parametrize(("answer", "told"), [(b"HTTP/1.1 204 None\r\n\r\n", "ended"), (b"", "late")])
async def test_a_deadline_waits_for_what_came_while_the_node_stood_still(
    connection: UpstreamConnection, server: socket.socket, answer: bytes, told: str
) -> None:
    peer, _ = server.accept()

    def hear(_: ResponseHead) -> None:
        peer.sendall(answer)
        stand_still()

    with peer:
        receiver = Timed()
        connection.start(b"x", receiver, has_response_body=True, on_interim=hear)
        receiver.deadlines.start(receiver)
        peer.sendall(b"HTTP/1.1 102 Wait\r\n\r\n")
        assert await within(receiver.told.get()) == told
