"""Clients that take too long for what they owe, and those that only seem to."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.proxy.client_connection import ClientConnection
from tests.certificates import Authority
from tests.integration.gateway.client import Answer, Client, request, within
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Received, Upstream

StartNode = Callable[..., Awaitable[Node]]

SHORT = 0.3
LONG = 60.0
PATIENT = {
    "header_timeout": LONG,
    "body_timeout": LONG,
    "send_timeout": LONG,
    "idle_timeout": LONG,
    "upstream_timeout": LONG,
}


async def timeouts(node: Node, what: str) -> float:
    """How many clients have been too slow with it."""
    _, text = await node.admin("/metrics")
    (line,) = (line for line in text.splitlines() if f'timeouts_total{{with="{what}"}}' in line)
    return float(line.split()[-1])


async def is_told(client: Client) -> Answer:
    """The 408 that a client gets, and nothing behind it."""
    answer = await client.answer()
    assert answer.status == 408
    assert answer.closes
    assert json.loads(answer.body)["status"] == 408
    assert await client.rest() == b""
    return answer


HEADS = [b"G", b"GET / HTTP/1.1\r\nHost: a", request()[:-2], b"\r\nG"]


@pytest.mark.parametrize("part", HEADS, ids=["a byte", "a line", "but for its end", "behind an empty line"])
async def test_a_part_of_a_head_is_waited_for_so_long(
    start_node: StartNode, upstream: Upstream, part: bytes
) -> None:
    node = await start_node(**PATIENT | {"header_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(part)
        await is_told(client)

    assert await timeouts(node, "head") == 1
    assert upstream.requests == []
    assert (await node.record()).boot.requests == 0


async def test_a_head_that_drips_is_late_all_the_same(start_node: StartNode) -> None:
    node = await start_node(**PATIENT | {"header_timeout": 4 * SHORT})

    async def drip(client: Client) -> None:
        for byte in request(b"/", b"X: " + bytes(b"x" * 8000)):
            client.writer.write(bytes([byte]))
            await asyncio.sleep(SHORT / 5)

    async with await node.connect() as client:
        dripping = asyncio.create_task(drip(client))
        answer = await client.answer()
        dripping.cancel()

    assert answer.status == 408
    assert await timeouts(node, "head") == 1


async def test_a_head_that_is_late_to_a_head_request_gets_no_content(start_node: StartNode) -> None:
    node = await start_node(**PATIENT | {"header_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(b"HEAD / HTTP/1.1\r\nHost: a")
        received = await client.rest()

    head, _, content = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert content == b""


async def test_a_later_head_is_waited_for_as_the_first(start_node: StartNode) -> None:
    node = await start_node(**PATIENT | {"header_timeout": SHORT})
    async with await node.connect() as client:
        for _ in range(3):
            assert (await client.get()).status == 200
        await client.send(b"GET /")
        await is_told(client)


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
async def test_who_says_nothing_is_left_without_a_word(start_node: StartNode, sent: bytes) -> None:
    node = await start_node(**PATIENT | {"header_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(sent)
        assert await client.rest() == b""

    assert await timeouts(node, "idle") == 1
    assert await timeouts(node, "head") == 0


@pytest.mark.parametrize("behind", [b"", b"\r\n"], ids=["nothing", "an empty line"])
async def test_an_idle_connection_is_closed_without_a_word(start_node: StartNode, behind: bytes) -> None:
    node = await start_node(**PATIENT | {"idle_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(request() + behind)
        assert (await client.answer()).status == 200
        assert await client.rest() == b""

    assert await timeouts(node, "idle") == 1


BODIES = {
    "length": (b"Content-Length: 10", b"some"),
    "chunks": (b"Transfer-Encoding: chunked", b"4\r\nsome\r\n"),
    "a part of a chunk": (b"Transfer-Encoding: chunked", b"4\r\nso"),
    "nothing": (b"Content-Length: 10", b""),
}


@pytest.mark.parametrize("framing", BODIES.values(), ids=BODIES)
async def test_a_body_that_does_not_come_is_a_408_and_frees_the_upstream(
    start_node: StartNode, upstream: Upstream, framing: tuple[bytes, bytes]
) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.gone()
        gone.set()

    upstream.script = script
    node = await start_node(**PATIENT | {"body_timeout": SHORT})
    field, part = framing
    async with await node.connect() as client:
        await client.send(request(b"/", field, method=b"POST") + part)
        await is_told(client)
    await within(gone.wait())

    assert await timeouts(node, "body") == 1
    record = await node.settled()
    assert (record.boot.requests, record.boot.failed) == (1, 1)
    assert (record.upstream.broken, record.upstream.timed_out) == (0, 0)


async def test_who_was_told_to_continue_and_does_not_is_told_that_it_took_too_long(
    start_node: StartNode,
) -> None:
    node = await start_node(**PATIENT | {"body_timeout": SHORT})
    async with await node.connect() as client:
        head = request(b"/", b"Expect: 100-continue", b"Content-Length: 10", method=b"POST")
        await client.send(head)
        assert await client.head() == (b"HTTP/1.1 100 Continue", ())
        await is_told(client)


async def test_a_client_that_drips_a_body_while_it_is_answered_is_left(
    start_node: StartNode, upstream: Upstream
) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome")
        await peer.gone()
        gone.set()

    upstream.script = script
    node = await start_node(**PATIENT | {"body_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: 10", method=b"POST") + b"some")
        await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await within(client.reader.readexactly(10))
    await within(gone.wait())

    assert (await node.settled()).boot.failed == 0


async def test_while_the_upstream_takes_nothing_the_client_is_not_late(
    start_node: StartNode, upstream: Upstream
) -> None:
    body = bytes(16 << 20)
    may_take = asyncio.Event()

    async def script(peer: Peer) -> None:
        head = await peer.head()
        await may_take.wait()
        assert await peer.body(head) == body
        await peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream.script = script
    node = await start_node(**PATIENT | {"body_timeout": 3 * SHORT})
    async with await node.connect() as client:
        client.writer.write(request(method=b"POST", body=body))
        await asyncio.sleep(6 * SHORT)  # so long the client is held back
        may_take.set()
        assert (await client.answer()).status == 204

    assert await timeouts(node, "body") == 0


FRAMINGS = [b"Content-Length: 1000000000", b"X: until close"]


@pytest.mark.parametrize("framing", FRAMINGS, ids=["length", "until close"])
async def test_a_client_that_takes_nothing_of_its_answer_does_not_hold_the_upstream(
    start_node: StartNode, upstream: Upstream, framing: bytes
) -> None:
    stopped = upstream.answers_without_end(framing)
    node = await start_node(**PATIENT | {"send_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(request())
        await within(stopped.wait())
        assert await timeouts(node, "answer") == 1
        with pytest.raises(ConnectionResetError):
            await client.rest()

    assert (await node.settled()).boot.admitted == 1


async def test_a_client_that_asks_on_and_on_and_takes_no_answer_is_left(
    start_node: StartNode, upstream: Upstream
) -> None:
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)
    )
    node = await start_node(**PATIENT | {"send_timeout": SHORT})
    async with await node.connect() as client:
        client.writer.write(request() * 500)
        await eventually(lambda: timeouts(node, "answer"), bool)

    assert (await node.settled()).boot.requests < 500


async def test_a_client_that_does_not_take_the_little_that_is_left_of_a_broken_answer_is_left(
    start_node: StartNode, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    transports: list[asyncio.Transport] = []
    made = ClientConnection.connection_made

    def connection_made(connection: ClientConnection, transport: asyncio.Transport) -> None:
        transports.append(transport)
        made(connection, transport)

    monkeypatch.setattr(ClientConnection, "connection_made", connection_made)

    async def break_off(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while not transports[-1].get_write_buffer_size():
            await peer.send(bytes(4096))
            await asyncio.sleep(0.001)  # by then the kernel has what it takes

    upstream.script = break_off
    node = await start_node(**PATIENT | {"send_timeout": SHORT})
    async with await node.connect() as client:
        assert (await client.get()).status == 204
        client.writer.transport.pause_reading()  # type: ignore[attr-defined] # asyncio's own can
        await client.send(request())
        await eventually(lambda: timeouts(node, "answer"), bool)

    assert (await node.settled()).boot.failed == 1


async def test_a_client_behind_tls_has_the_same_time(
    start_node: StartNode, upstream: Upstream, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign()
    node = await start_node(
        **PATIENT | {"header_timeout": 3 * SHORT, "body_timeout": SHORT}, tls_cert=certificate, tls_key=key
    )
    trust = authority.client()
    async with await Client.connect(node.port, trust) as client:
        await client.send(request()[:-2])
        await is_told(client)
    async with await Client.connect(node.port, trust) as client:
        await client.send(request(b"/", b"Content-Length: 10", method=b"POST"))
        await is_told(client)
    async with await Client.connect(node.port, trust) as client:
        assert await client.rest() == b""


async def test_a_long_request_in_time_is_served(start_node: StartNode, upstream: Upstream) -> None:
    """All limits are of a pause: a request that goes on may last."""
    seen: list[Received] = []

    async def script(peer: Peer) -> None:
        head = await peer.head()
        seen.append(head)
        assert await peer.body(head) == b"x" * 12
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            await peer.send(b"1\r\ny\r\n")
            await asyncio.sleep(SHORT / 2)
        await peer.send(b"0\r\n\r\n")

    upstream.script = script
    node = await start_node(header_timeout=4 * SHORT, body_timeout=4 * SHORT, min_rate=1, idle_timeout=LONG)
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: 12", method=b"POST"))
        for _ in range(12):
            await client.send(b"x")
            await asyncio.sleep(SHORT / 2)
        assert (await client.answer()).body == b"y" * 10


async def in_half_an_answer(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nX: until close\r\n\r\nsome")


async def in_no_answer(peer: Peer) -> None:
    """It works."""


@pytest.mark.parametrize("answer", [in_no_answer, in_half_an_answer])
async def test_a_whole_request_can_have_its_time_too(
    start_node: StartNode, upstream: Upstream, answer: Callable[[Peer], Awaitable[None]]
) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 204 None\r\n\r\n")  # a connection that is kept, for the one that waits
        await peer.head()
        await answer(peer)
        await peer.gone()
        gone.set()

    upstream.script = script
    node = await start_node(**PATIENT | {"request_timeout": 2 * SHORT})
    async with await node.connect() as client:
        assert (await client.get()).status == 204
        await client.send(request())
        if answer is in_no_answer:
            assert (await client.answer()).status == 504
        else:
            await client.head()
            with pytest.raises(ConnectionResetError):
                await client.rest()
    await within(gone.wait())

    record = await node.settled()
    assert record.boot.failed == 1
    assert (record.upstream.broken, record.upstream.timed_out) == (0, 0)


async def test_a_body_that_is_not_whole_in_a_requests_time_is_a_408(start_node: StartNode) -> None:
    node = await start_node(**PATIENT | {"request_timeout": SHORT})
    async with await node.connect() as client:
        await client.send(request(b"/", b"Content-Length: 10", method=b"POST") + b"some")
        await is_told(client)
