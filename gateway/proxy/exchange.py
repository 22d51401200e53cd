"""One request at the upstream: its head and body out, its answer's head back."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.streams import StreamReader

from gateway.proxy.upstream import Answer, Upstream, UpstreamConnection, UpstreamError
from gateway.replies import Problem

# RFC 9110 §9.2.2
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes to the upstream. `body` is None where there is none."""

    method: str
    head: bytes
    body: StreamReader | None
    chunked: bool
    max_body_bytes: int  # 0 is unbounded


class Exchange:
    """Send once, read the answer, close always."""

    def __init__(self, upstream: Upstream, timeout_seconds: float) -> None:
        """`timeout_seconds` bounds each silence of the upstream's: connecting, taking and answering."""
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._connection: UpstreamConnection | None = None
        self._sender: asyncio.Task[None] | None = None

    async def send(self, request: Outgoing) -> Answer:
        """The answer's head, and its body to be read.

        The upstream may have closed a kept connection as the request was on its way: an idempotent request
        without a body goes out once more, on a new connection, if nothing came back (RFC 9110 §9.2.2).

        Raises:
            UpstreamError: it broke.
            TimeoutError: it was silent for too long.
            Problem: the client's body is not acceptable.
        """
        try:
            return await self._attempt(request, fresh=False)
        except UpstreamError as error:
            reused = self._connection is not None and self._connection.is_reused
            repeatable = request.body is None and request.method in IDEMPOTENT
            if not (error.untouched and reused and repeatable):
                raise
        return await self._attempt(request, fresh=True)

    async def _attempt(self, request: Outgoing, *, fresh: bool) -> Answer:
        self._connection = None
        async with asyncio.timeout(self._timeout_seconds):
            self._connection = await self._upstream.connect(fresh=fresh)
        answer = self._connection.start(request.head, has_answer_body=request.method != "HEAD")
        if request.body is not None:
            self._sender = asyncio.create_task(self._send_body(self._connection, request, request.body))
            either: set[asyncio.Future[Any]] = {answer, self._sender}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self._sender.result()
        async with asyncio.timeout(self._timeout_seconds):
            return await answer

    async def _send_body(self, connection: UpstreamConnection, request: Outgoing, body: StreamReader) -> None:
        sent = 0
        while piece := await _next_piece(body):
            sent += len(piece)
            if 0 < request.max_body_bytes < sent:
                raise Problem(413, f"The body is longer than {request.max_body_bytes} bytes.")
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if request.chunked else piece)
            async with asyncio.timeout(self._timeout_seconds):
                await connection.drain()
        if request.chunked:
            connection.write(b"0\r\n\r\n")

    @property
    def has_sent_all(self) -> bool:
        """Whether the client's body has gone out whole."""
        sender = self._sender
        return sender is None or (sender.done() and not sender.cancelled() and sender.exception() is None)

    async def close(self) -> None:
        """Stop sending, and give the connection back if it is in order."""
        sent_all = self.has_sent_all
        if self._sender is not None and not self._sender.done():
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender
        if self._connection is None:
            return
        if sent_all:
            self._upstream.release(self._connection)
        else:
            self._connection.close()


async def _next_piece(body: StreamReader) -> bytes:
    try:
        return await body.readany()
    except web.RequestPayloadError:
        raise Problem(400, "The body is not well-formed.") from None
