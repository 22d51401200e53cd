"""Bodies on their way in and out: after admission, in pieces, and in a framing that holds."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EXPECT = b"Expect: 100-continue"
MEBIBYTE = bytes(1 << 20)


async def test_the_client_is_asked_for_its_body_after_it_was_admitted(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.send(request(b"/", EXPECT, b"Content-Length: 5", method=b"POST"))
        assert await client.head() == (b"HTTP/1.1 100 Continue", ())
        await client.send(b"hello")
        answer = await client.answer()
        again = await client.get()

    assert (answer.status, again.status) == (200, 200)
    assert upstream.bodies == [b"hello", b""]
    assert upstream.requests[0].values("Expect") == []


async def test_an_expectation_without_a_body_is_no_question(node: Node) -> None:
    async with await node.connect() as client:
        assert (await client.get(b"/", EXPECT)).status == 200


@pytest.mark.parametrize("insists", [False, True], ids=["holds its body back", "sends it all the same"])
async def test_a_refused_client_is_not_asked_for_its_body(
    start_node: StartNode, upstream: Upstream, insists: bool
) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        await client.get()
        await client.send(request(b"/", EXPECT, b"Content-Length: 200000", method=b"POST"))
        answer = await client.answer()
        if insists:
            await client.send(bytes(200_000))
        assert await client.rest() == b""

    assert answer.status == 429
    assert answer.closes
    assert len(upstream.requests) == 1


async def test_a_refused_request_never_touches_the_upstream(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        await client.get()
        connections = upstream.connections
        refused = [await client.get(method=b"POST", body=b"x" * 100_000) for _ in range(3)]
        nobody = await client.get(key=None, method=b"POST", body=b"x")

    assert [answer.status for answer in refused] == [429, 429, 429]
    assert nobody.status == 401
    assert not any(answer.closes for answer in [*refused, nobody])
    assert len(upstream.requests) == 1
    assert upstream.connections == connections
    totals = (await node.settled()).boot
    assert (totals.admitted, totals.refused, totals.unidentified, totals.failed) == (1, 3, 1, 0)


async def test_an_early_answer_does_not_wait_for_the_rest_of_the_body(node: Node, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        upstream.requests.append(await peer.head())
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await peer.gone()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: 10000000", method=b"POST") + b"some")
        answer = await client.answer()
        assert await client.rest() == b""

    assert (answer.status, answer.body) == (413, b"no")
    assert answer.closes
    record = await node.settled()
    assert (record.boot.admitted, record.boot.failed) == (1, 0)


async def test_an_answer_starts_while_the_body_is_still_under_way(node: Node, upstream: Upstream) -> None:
    """An upstream that echoes needs both directions at once."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(2):
            await peer.send(await within(peer.reader.readexactly(3)))

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: 6", method=b"POST"))
        await client.head()
        for piece in (b"abc", b"def"):
            await client.send(piece)
            assert await within(client.reader.readexactly(3)) == piece


TOO_LONG = {
    "length": (request(b"/", b"Content-Length: 1001", method=b"POST"), b""),
    "length of what is there": (request(b"/", method=b"POST", body=b"x" * 1001), b""),
    "chunked": (
        request(b"/", b"Transfer-Encoding: chunked", method=b"POST"),
        b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("sent", TOO_LONG.values(), ids=TOO_LONG)
async def test_a_body_above_the_limit_is_refused(
    start_node: StartNode, upstream: Upstream, sent: tuple[bytes, bytes]
) -> None:
    node = await start_node(max_body_bytes=1000)

    async def script(peer: Peer) -> None:
        while True:
            await upstream.take(peer)
            await peer.send(OK)

    upstream.script = script
    async with await node.connect() as client:
        assert (await client.get(method=b"POST", body=b"x" * 1000)).status == 200
        for part in sent:
            await client.send(part)
        answer = await client.answer()

    assert answer.status == 413
    assert json.loads(answer.body)["detail"] == "The body is longer than 1000 bytes."
    assert upstream.bodies == [b"x" * 1000]
    assert (await node.settled()).boot.failed == 1


BROKEN_CHUNKS = {
    "after a chunk": (b"3\r\nabc\r\n", b"zz\r\nabc\r\n"),
    "in the first size": (b"", b"-1\r\n"),
    "in the end of a chunk": (b"3\r\nabc", b"Xdef\r\n"),
}


@pytest.mark.parametrize(("good", "bad"), BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
async def test_a_body_whose_framing_breaks_is_refused(
    node: Node, upstream: Upstream, good: bytes, bad: bytes
) -> None:
    dropped = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.gone()
        dropped.set()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + good)
        await _arrived(node)
        await client.send(bad)
        answer = await client.answer()
        assert await client.rest() == b""

    assert answer.status == 400
    assert answer.closes
    await within(dropped.wait())
    record = await node.settled()
    assert (record.boot.failed, record.boot.requests, record.malformed) == (1, 1, 0)


async def test_a_refused_body_whose_framing_breaks_ends_the_connection(start_node: StartNode) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        await client.get()
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"3\r\nabc\r\n")
        assert (await client.answer()).status == 429
        await client.send(b"zz\r\n")
        assert await client.rest() == b""

    record = await node.settled()
    assert (record.boot.refused, record.boot.failed, record.malformed) == (1, 0, 0)


async def test_a_broken_body_in_the_pipeline_is_answered_in_its_turn(node: Node, upstream: Upstream) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await release.wait()
        await peer.send(OK)
        await peer.gone()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request())
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"3\r\nabc\r\n")
        await _arrived(node)
        await client.send(b"zz\r\n")
        await asyncio.sleep(0.05)
        release.set()
        assert (await client.answer()).status == 200
        await client.rest()

    record = await node.settled()
    assert record.boot.admitted == 1


async def _arrived(node: Node) -> None:
    await eventually(node.record, lambda record: record.in_flight == 1)


async def test_the_response_to_a_broken_body_is_not_lost_in_a_reset(node: Node) -> None:
    """What the client still sends is read until it has seen the end."""
    async with await node.connect() as client:
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"POST") + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)  # so that the fault comes by a read of its own
        await client.send(b"zz\r\n")
        for _ in range(20):
            await asyncio.sleep(0.005)
            await client.send(b"x" * 1000)
        answer = await client.answer()

    assert answer.status == 400
