"""An upstream that fails in ways that are not among those of `test_upstream_faults.py`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from gateway.contract.records import TelemetryRecord
from loadtest.ports import free_port
from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def outcome(record: TelemetryRecord) -> tuple[int, int, int, int]:
    upstream = record.upstream
    return record.boot.admitted, record.boot.failed, upstream.broken, upstream.timed_out


async def test_an_upstream_that_is_away_makes_a_502_and_is_told_at_the_start(
    start_node: StartNode, caplog: pytest.LogCaptureFixture
) -> None:
    node = await start_node(upstream_url=f"http://127.0.0.1:{free_port()}")
    async with await node.connect() as client:
        answer = await client.get()
        again = await client.get()

    assert (answer.status, again.status) == (502, 502)
    assert answer.value("Content-Type") == b"application/problem+json"
    assert b"127.0.0.1" not in answer.body
    assert "does not answer yet" in caplog.text
    assert outcome(await node.settled()) == (0, 2, 2, 0)


async def test_a_long_field_of_the_upstreams_passes(node: Node, upstream: Upstream) -> None:
    cookie = b"a" * 30_000
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: " + cookie + b"\r\nContent-Length: 0\r\n\r\n"
    )
    async with await node.connect() as client:
        client.reader._limit = 1 << 17  # type: ignore[attr-defined] # StreamReader has no other way
        assert (await client.get()).value("Set-Cookie") == cookie


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_an_answer_until_close_that_ends_by_a_reset_does_not_look_whole(
    node: Node, upstream: Upstream, version: bytes
) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        await asyncio.sleep(0.05)
        peer.reset()

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(version=version))
        await client.head()
        try:
            rest = await client.rest()
        except ConnectionResetError:
            rest = None

    assert rest is None if version == b"HTTP/1.0" else rest == b"4\r\nsome\r\n"
    assert outcome(await node.settled()) == (0, 1, 1, 0)


async def test_an_upstream_that_takes_no_body_makes_a_504(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(upstream_timeout=0.3)

    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(3600)

    upstream.script = script
    async with await node.connect() as client:
        sending = asyncio.create_task(
            client.send(request(b"/", b"Content-Length: 50000000", method=b"POST") + bytes(50_000_000))
        )
        assert (await client.answer()).status == 504
        sending.cancel()

    assert outcome(await node.settled()) == (0, 1, 0, 1)


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked\r\n", b""], ids=["chunks", "until close"])
async def test_a_stream_may_drip(start_node: StartNode, upstream: Upstream, framing: bytes) -> None:
    """Nobody but its client knows when there is enough of it."""
    node = await start_node(upstream_timeout=1.0)

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        for _ in range(6):
            await asyncio.sleep(0.2)
            await peer.send(b"1\r\nx\r\n" if framing else b"x")
        await peer.send(b"0\r\n\r\n" if framing else b"")

    upstream.script = script
    async with await node.connect() as client:
        assert (await client.get()).body == b"x" * 6


KEPT = [(b"GET", b"", 200), (b"DELETE", b"", 200), (b"POST", b"", 502), (b"PUT", b"body", 502)]


@pytest.mark.parametrize(("method", "body", "status"), KEPT)
async def test_what_a_kept_connection_loses_is_repeated_if_that_is_safe(
    node: Node, upstream: Upstream, method: bytes, body: bytes, status: int
) -> None:
    """It closes at the moment at which the second request comes in, and answers on the third connection."""

    async def closing(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(OK)
        upstream.script = upstream.answering(OK)
        await upstream.take(peer)
        peer.close()

    upstream.script = closing
    async with await node.connect() as client:
        await client.get()
        answer = await client.get(method=method, body=body)

    assert answer.status == status
    assert len(upstream.requests) == (3 if status == 200 else 2)


async def test_what_was_answered_in_part_is_not_repeated(node: Node, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(OK)
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 2")
        peer.close()

    upstream.script = script
    async with await node.connect() as client:
        await client.get()
        assert (await client.get()).status == 502

    assert len(upstream.requests) == 2


async def test_a_connection_that_the_upstream_closed_while_idle_is_not_used(
    node: Node, upstream: Upstream
) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(OK)
        peer.close()

    upstream.script = script
    async with await node.connect() as client:
        for _ in range(3):
            assert (await client.get(method=b"POST")).status == 200
            await asyncio.sleep(0.02)

    assert outcome(await node.settled()) == (3, 0, 0, 0)


async def test_an_upstreams_error_is_an_answer_like_any_other(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
    async with await node.connect() as client:
        answer = await client.get()

    assert (answer.start_line, answer.body) == (b"HTTP/1.1 503 Busy", b"busy")
    record = await node.settled()
    assert outcome(record) == (1, 0, 0, 0)
    assert (record.upstream.answered, record.upstream.server_errors) == (1, 1)


async def test_an_outage_is_told_once_with_its_end_and_without_tracebacks(
    node: Node, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "gateway.proxy"):
        for script in (upstream.answering(b"nonsense\r\n\r\n"), upstream.answering(OK)):
            upstream.script = script
            for _ in range(3):
                async with await node.connect() as client:
                    await client.get()

    failure, recovery = (record for record in caplog.records if "the upstream" in record.getMessage())
    assert "not an HTTP answer" in failure.getMessage()
    assert failure.exc_info is None
    assert "works again, after 3 failures" in recovery.getMessage()
