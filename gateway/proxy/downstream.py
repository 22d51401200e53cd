"""The listener for clients: aiohttp's HTTP/1.1 server, with answers written as bytes by this package."""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, BadStatusLine, HttpProcessingError, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler

from gateway import replies
from gateway.proxy.headers import own_answer
from gateway.telemetry.counters import Counters, Outcome

MAX_LINE_BYTES = 8190
MAX_FIELD_BYTES = 8192
MAX_FIELDS = 100
KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 5.0

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

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
        transport = request.transport
        if self._stays or transport is None or transport.is_closing():
            return
        if transport.can_write_eof():  # not with TLS
            # The client sees the end at once, even if the rest of its body is awaited before the close,
            # which would otherwise reset the connection and could take the answer with it.
            transport.write_eof()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing follows."""


class Connection(RequestHandler):
    """One client's connection."""

    __slots__ = ("_body", "_counters", "_hurry")

    def __init__(self, server: "Downstream", counters: Counters, hurry: asyncio.Event) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
            auto_decompress=False,
        )
        self._counters = counters
        self._hurry = hurry
        self._body: StreamReader = EMPTY_PAYLOAD

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; part of asyncio's protocol.

        aiohttp leaves two readers of a body waiting for ever: where its framing breaks in the middle, as the
        error becomes a message of its own, and where the server drains, as all that comes is dropped.
        """
        if self._close or self._force_close:
            self._finish_body(data)
            return
        try:
            super().data_received(data)
        except LookupError as error:  # yarl's, at some targets that are none
            self._counters.count(Outcome.MALFORMED)
            logger.debug("malformed request target: %s", error)
            self.force_close()
            return
        if not self._messages:
            return
        message, body = self._messages[-1]
        if isinstance(message, RawRequestMessage):
            self._body = body
        elif not self._body.is_eof():
            self._messages.pop()
            self._break_body()

    def _finish_body(self, data: bytes) -> None:
        if self._parser is None or self.transport is None or self._body.is_eof():
            return
        try:
            self._parser.feed_data(data)
        except HttpProcessingError:
            self._break_body()

    def _break_body(self) -> None:
        if self._request_in_progress or self._messages:
            self._body.set_exception(web.RequestPayloadError("the framing is broken"))
        self._body.feed_eof()
        self.close()

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
        """Answer a message that is not HTTP, or a fault of ours, and close the connection."""
        del message
        if status >= 500:
            self._counters.count(Outcome.FAILED)
            logger.error("a request failed", exc_info=exc)
            reply = replies.problem(500, "The gateway failed at this request.")
        else:
            self._counters.count(Outcome.MALFORMED)
            logger.debug("malformed request from %s: %s", request.remote, type(exc).__name__)
            reply = _malformed(exc)
        if request.writer.output_size > 0:
            self.force_close()
            return RawResponse(keep_alive=False)
        close = [(b"Connection", b"close")]
        return RawResponse(
            keep_alive=False, data=own_answer(reply, close, head_only=request.method == "HEAD")
        )


def _malformed(error: BaseException | None) -> replies.Reply:
    match error:
        case LineTooLong() if error.args[1] == MAX_LINE_BYTES:
            return replies.problem(414, f"The request line is longer than {MAX_LINE_BYTES} bytes.")
        case LineTooLong():
            return replies.problem(431, f"A header field is longer than {MAX_FIELD_BYTES} bytes.")
        case BadHttpMethod():
            return replies.problem(501, "The method is not known.")
        case BadStatusLine() if "Invalid HTTP version:" in str(error):
            return replies.problem(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        case _ if "Too many headers" in str(error):
            return replies.problem(431, f"There are more than {MAX_FIELDS} header fields.")
        case _:
            return replies.problem(400, "This is not a well-formed HTTP request.")


def reset(transport: asyncio.Transport) -> None:
    """Close so that the client sees an error, not the end: an abort alone closes in order on every loop."""
    linger = struct.pack("ii", 1, 0)  # on, for no time: the kernel then sends a reset
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


class Downstream(web.Server):
    """Serves clients by calling `handle`, which is cancelled where its client leaves.

    When `hurry` is set, its shutdown waits no longer for requests in flight.
    """

    def __init__(self, handle: Handle, counters: Counters, hurry: asyncio.Event) -> None:
        super().__init__(handle, handler_cancellation=True)
        self._counters = counters
        self._hurry = hurry

    def __call__(self) -> Any:
        """A new connection's protocol."""
        return Connection(self, self._counters, self._hurry)
