"""The listener for clients: their requests are read strictly, and answered through aiohttp's server.

aiohttp's parser never sees what a client sent: it repairs, and what it has repaired cannot be judged any
more. It gets a head that is always the same, with the body in chunks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler

from gateway import replies
from gateway.clock import wall
from gateway.proxy.head import SHADOWED, RequestHead
from gateway.proxy.headers import own_answer
from gateway.proxy.incoming import Incoming, peer_of
from gateway.proxy.reader import Events, RequestReader
from gateway.proxy.rules import Malformed
from gateway.proxy.tunnel import Tunnel
from gateway.telemetry.counters import Counters, Outcome

KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 5.0
MAX_HELD_BYTES = 65536
"""Of requests that are sent before the one at hand is answered; then nothing more is taken."""

_WITHOUT_BODY = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"
_WITH_BODY = b"POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"

Message = Incoming | Malformed
Handle = Callable[[Message], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


class RawResponse(web.StreamResponse):
    """What aiohttp gets back for an answer: bytes that are still to be written, or none if all has been."""

    def __init__(self, *, keep_alive: bool, data: bytes = b"") -> None:
        super().__init__()
        self._data = data
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on to the next request."""
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write what is left to write."""
        if self._data:
            await request.writer.write(self._data)
        self._stays = cast(Connection, request.protocol).answered(stays=self._stays)
        transport = request.transport
        if self._stays or transport is None or transport.is_closing():
            return
        if transport.can_write_eof():  # not with TLS
            # The client sees the end at once, even if the rest of its body is awaited before the close,
            # which would otherwise reset the connection and could take the answer with it.
            transport.write_eof()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing follows."""


class Switched(RawResponse):
    """After a 101 that has been written: the connection is a tunnel's, and done with when that has ended."""

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__(keep_alive=False)
        self._tunnel = tunnel

    async def prepare(self, request: web.BaseRequest) -> None:
        """Wait for the end."""
        del request
        await self._tunnel.run()


class Connection(RequestHandler):
    """One client's connection. A request is read when the one before it is over, whatever has come."""

    __slots__ = (
        "_body",
        "_counters",
        "_hurry",
        "_is_answered",
        "_is_broken",
        "_is_last",
        "_owes_end",
        "_reader",
        "head",
    )

    def __init__(
        self, server: "Downstream", counters: Counters, hurry: asyncio.Event, shadowed: frozenset[bytes]
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            auto_decompress=False,
        )
        self._counters = counters
        self._hurry = hurry
        self._reader = RequestReader(shadowed)
        self._body: StreamReader = EMPTY_PAYLOAD
        self._is_answered = True
        self._is_last = False
        self._is_broken = False
        self._owes_end = False
        self.head: RequestHead | Malformed
        """Of the request at hand, or what is wrong with it."""

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; part of asyncio's protocol."""
        if not data:  # aiohttp's own way to go on with what it has been given
            super().data_received(data)
            return
        if self._is_broken:
            self._forward([data])  # to be dropped, so that the answer is not lost in a reset
            return
        try:
            self._take(self._reader.feed(data))
        except Malformed as malformed:
            self._break(malformed)
        else:
            self._go_on()
            if len(self._reader.held) > MAX_HELD_BYTES and not self._buffer_paused:
                self._pause_reading_for_buffer()

    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""
        return not self._is_last

    def answered(self, *, stays: bool) -> bool:
        """An answer has been written whole: whether another request may follow it."""
        self._is_answered = True
        self._is_last = self._is_last or not stays
        if not self._is_last:
            self._go_on()
        return not self._is_last

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Give the connection to `protocol`, unread; what came behind the request at hand.

        Raises:
            ConnectionError: the client is gone.
        """
        transport, task = self.transport, self._task_handler
        if transport is None or transport.is_closing() or task is None:
            raise ConnectionResetError
        transport.pause_reading()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        task.add_done_callback(lambda _: self.connection_lost(None))
        return self._reader.held

    def _go_on(self) -> None:
        if not (self._is_answered and self._reader.ended) or self._is_last:
            return
        try:
            self._take(self._reader.go_on())
        except Malformed as malformed:
            self._break(malformed)
        if self._buffer_paused and len(self._reader.held) <= MAX_HELD_BYTES:
            self._resume_reading_for_buffer()

    def _take(self, events: Events) -> None:
        pieces: list[bytes] = []
        for event in events:
            if isinstance(event, RequestHead):
                self._begin(event, has_body=event.has_body)
            else:
                pieces.append(event)
        self._forward(pieces, at_end=self._reader.ended)

    def _begin(self, head: RequestHead | Malformed, *, has_body: bool) -> None:
        if self._close or self._force_close:
            return
        self.head = head
        self._is_answered = False
        self._owes_end = has_body
        super().data_received(_WITH_BODY if has_body else _WITHOUT_BODY)
        self._body = self._messages[-1][1]

    def _forward(self, pieces: list[bytes], *, at_end: bool = False) -> None:
        """Pass on what has come of the body."""
        if not self._owes_end:
            return
        self._owes_end = not at_end
        if self._close or self._force_close:
            if at_end:
                self._body.feed_eof()  # aiohttp drops what comes now, and would wait for it
            return
        data = b"".join(pieces)
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        super().data_received(chunk + _LAST_CHUNK if at_end else chunk)

    def _break(self, malformed: Malformed) -> None:
        """Nothing more can be read: say so, in the place of a request or to the reader of a body."""
        self._is_broken = True
        logger.debug("malformed request from %s: %s", peer_of(self.transport), malformed.rule.name)
        if self._is_answered and not self._owes_end:
            self._begin(malformed, has_body=True)
            return
        if not self._is_answered:
            self._body.set_exception(web.RequestPayloadError(malformed.detail))
        self._body.feed_eof()
        self._owes_end = False
        self.close()

    def close(self) -> None:
        """Take no further request; the one at hand is answered first."""
        self._is_last = True
        if self._is_answered:
            super().close()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's signature
        """Let the request in flight finish within `timeout` seconds, or until there is a hurry.

        aiohttp would take up to twice as long.
        """
        task = self._task_handler
        if task is not None and not task.done():
            hurried = asyncio.create_task(self._hurry.wait())
            await asyncio.wait({task, hurried}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            task.cancel()
            await asyncio.wait({task})
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer where the handler failed, which is a fault of ours, and close the connection."""
        del status, message
        self._counters.count(Outcome.FAILED)
        logger.error("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            self.force_close()
            return RawResponse(keep_alive=False)
        reply = replies.problem(500, "The gateway failed at this request.")
        closing = [(b"Connection", b"close")]
        data = own_answer(reply, closing, head_only=self.head.method == "HEAD", now=wall())
        return RawResponse(keep_alive=False, data=data)


class Downstream(web.Server):
    """Serves clients by calling `handle`, which is cancelled where its client leaves.

    When `hurry` is set, its shutdown waits no longer for requests in flight.
    """

    def __init__(
        self,
        handle: Handle,
        counters: Counters,
        hurry: asyncio.Event,
        shadowed: frozenset[bytes] = SHADOWED,
    ) -> None:
        """`shadowed` is as for `head_of`."""

        async def handle_message(request: web.BaseRequest) -> web.StreamResponse:
            connection = cast(Connection, request.protocol)
            head = connection.head
            if isinstance(head, Malformed):
                return await handle(head)
            return await handle(Incoming(head, request, connection))

        super().__init__(handle_message, handler_cancellation=True)
        self._counters = counters
        self._hurry = hurry
        self._shadowed = shadowed

    def __call__(self) -> Any:
        """A new connection's protocol."""
        return Connection(self, self._counters, self._hurry, self._shadowed)
