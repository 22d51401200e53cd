"""The listener for clients by itself, with handlers that the node does not have."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web

from gateway.proxy.access_log import AccessLog
from gateway.proxy.connection import MAX_HELD_BYTES, Connection
from gateway.proxy.downstream import Downstream, Handle
from gateway.proxy.incoming import Incoming, Message
from gateway.proxy.journal import Journal
from gateway.proxy.raw_response import RawResponse
from gateway.proxy.request_id import RequestIds
from gateway.telemetry.counters import Counters, Outcome
from gateway.trusted_proxies import TrustedProxies
from tests.integration.gateway.client import Client, request, within


@asynccontextmanager
async def listening(handle: Handle, counters: Counters) -> AsyncIterator[Client]:
    """A client's connection to a listener that calls `handle`."""
    journal = Journal(handle, counters, TrustedProxies(""), AccessLog(0), RequestIds(os.urandom))
    downstream = Downstream(journal, counters, asyncio.Event())
    server = await asyncio.get_running_loop().create_server(downstream, "127.0.0.1", 0)
    try:
        async with server, await Client.connect(server.sockets[0].getsockname()[1]) as client:
            yield client
    finally:
        await downstream.shutdown(1)


async def failing(incoming: Message) -> web.StreamResponse:
    raise RuntimeError("at http://10.0.0.7/internal")


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_a_fault_of_ones_own_is_a_500_that_tells_nothing(
    caplog: pytest.LogCaptureFixture, method: bytes
) -> None:
    counters = Counters()
    async with listening(failing, counters) as client:
        answer = await client.get(method=method)
        assert await client.rest() == b""

    assert answer.status == 500
    assert answer.closes
    assert answer.value("Content-Type") == b"application/problem+json"
    if method == b"GET":
        assert json.loads(answer.body)["detail"] == "The gateway failed at this request."
    assert counters.messages[Outcome.FAILED] == 1
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


async def test_a_fault_of_ones_own_is_told_with_the_id_that_the_client_gets(
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    async with listening(failing, Counters()) as client:
        answer = await client.get()

    (line,) = [line for line in log() if line["level"] == "error"]
    assert line["request_id"].encode() == answer.value("X-Request-Id")
    assert "RuntimeError" in line["exception"]


async def test_a_fault_after_the_head_breaks_the_answer_off() -> None:
    async def half(incoming: Message) -> web.StreamResponse:
        assert isinstance(incoming, Incoming)
        await incoming.begin(200, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome")
        raise RuntimeError

    counters = Counters()
    async with listening(half, counters) as client:
        await client.send(request())
        await client.head()
        assert await client.rest() == b"some"

    assert counters.messages[Outcome.FAILED] == 1


async def test_what_a_handler_has_written_itself_is_the_whole_answer() -> None:
    async def own(incoming: Message) -> web.StreamResponse:
        assert isinstance(incoming, Incoming)
        await incoming.begin(299, b"HTTP/1.1 299 Own\r\nContent-Length: 2\r\n\r\nok")
        return RawResponse(keep_alive=True)

    async with listening(own, Counters()) as client:
        for _ in range(2):
            answer = await client.get()
            assert (answer.start_line, answer.lines) == (b"HTTP/1.1 299 Own", (b"Content-Length: 2",))


async def test_what_is_sent_before_its_turn_is_held_up_to_a_bound() -> None:
    """As long as requests are answered, each would let more in than it takes away."""
    count, held = 4000, 0
    unit = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 250)

    async def own(incoming: Message) -> web.StreamResponse:
        nonlocal held
        assert isinstance(incoming, Incoming)
        held = max(held, cast(Connection, incoming._line).held_bytes)
        await incoming.begin(204, b"HTTP/1.1 204 No Content\r\n\r\n")
        return RawResponse(keep_alive=True)

    async with listening(own, Counters()) as client:
        client.writer.write(unit * count)
        answers = await within(client.reader.readexactly(27 * count))

    assert answers.count(b"HTTP/1.1 204 No Content\r\n\r\n") == count
    assert 0 < held <= MAX_HELD_BYTES + 2 * 262_144, "and what the loop reads at once, once or twice"
