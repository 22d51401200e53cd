"""An upstream that answers before it has taken the body, and wants no more of it."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from gateway.proxy.upstream_connection import UpstreamError
from gateway.proxy.upstream_pool import UpstreamAddress
from tests.integration.gateway.client import PATIENCE_SECONDS, Answer, Client, request, within
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream
from tests.support.exchange import exchange

StartNode = Callable[..., Awaitable[Node]]
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
LONG = 5_000_000


def closes(peer: Peer) -> None:
    """With what has come unread: the system makes a reset of it."""
    peer.writer.transport.abort()


def resets(peer: Peer) -> None:
    peer.reset()


def half_closes(peer: Peer) -> None:
    peer.half_close()


async def upload(client: Client) -> Answer:
    """What a long body gets."""
    lines = [b"Content-Length: %d" % LONG]
    sending = asyncio.create_task(client.send(request(b"/", *lines, method=b"POST") + bytes(LONG)))
    answer = await client.answer()
    sending.cancel()
    await asyncio.wait({sending})
    sending.cancelled() or sending.exception()  # the node may have closed before all was sent
    return answer


@pytest.mark.parametrize("end", [closes, resets, half_closes])
async def test_an_early_answer_is_told_though_the_connection_ends_behind_it(
    node: Node, upstream: Upstream, end: Callable[[Peer], None]
) -> None:
    async def script(peer: Peer) -> None:
        upstream.script = upstream.answering(b"HTTP/1.1 204 None\r\n\r\n")
        await peer.head()
        await peer.send(TOO_LARGE)
        end(peer)
        await peer.gone()

    upstream.script = script
    async with await node.connect() as client, await node.connect() as another:
        answer = await upload(client)
        assert (answer.status, answer.closes) == (413, True)
        assert (await another.get()).status == 204

    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed, record.upstream.answered) == (2, 0, 2)


@pytest.mark.parametrize("said", [b"", TOO_LARGE[:20], b"nonsense\r\n"], ids=["nothing", "half", "nonsense"])
@pytest.mark.parametrize("end", [closes, resets, half_closes])
async def test_an_upload_that_the_upstream_breaks_is_a_502(
    node: Node, upstream: Upstream, end: Callable[[Peer], None], said: bytes
) -> None:
    async def script(peer: Peer) -> None:
        upstream.script = upstream.answering(b"HTTP/1.1 204 None\r\n\r\n")
        await peer.head()
        await within(peer.reader.readexactly(100_000))
        await peer.send(said)
        end(peer)
        await peer.gone()

    upstream.script = script
    async with await node.connect() as client, await node.connect() as another:
        assert (await upload(client)).status == 502
        assert (await another.get()).status == 204

    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed, record.upstream.broken) == (1, 1, 1)


@pytest.mark.parametrize(
    ("answer", "status"), [(TOO_LARGE, 413), (TOO_LARGE[:20], None), (b"", None), (b"nonsense", None)]
)
async def test_what_an_upstream_said_is_read_though_the_write_fails_first(
    answer: bytes, status: int | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_SECONDS)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        address = UpstreamAddress(url, ssl.create_default_context(), max_connections=1, idle_seconds=1.0)
        connection = await address.connect(PATIENCE_SECONDS)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(PATIENCE_SECONDS)
            response = exchange(connection, b"POST / HTTP/1.1\r\nHost: x\r\n\r\nbody")
            await within(asyncio.to_thread(peer.recv, 65536))
            peer.sendall(answer)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not response.is_over:
                connection.write(b"more")
                await asyncio.sleep(0)
        if status is None:
            with pytest.raises(UpstreamError):
                await response.headers()
        else:
            assert (await response.headers()).status == status
            assert response.body == b"no"
        address.release(connection, in_order=False)
        address.close()
