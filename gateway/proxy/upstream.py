"""The node's own connections to the upstream: request heads as bytes, answers by aiohttp's parser.

Not aiohttp's `ClientSession`: it rewrites the target and adds, decodes and reorders fields.
"""

import asyncio
from collections import deque

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpParser, HttpResponseParser, RawResponseMessage
from aiohttp.streams import StreamReader

from gateway.clock import monotonic
from gateway.proxy.grammar import fault_of_answer

READ_AHEAD_BYTES = 65536
MAX_FIELD_BYTES = 65536
MAX_FIELDS = 512
MAX_IDLE_CONNECTIONS = 128
MAX_IDLE_SECONDS = 4.0
"""Shorter than what servers usually keep an idle connection for (5 s and up), so that few are lost."""

Answer = tuple[RawResponseMessage, StreamReader]


class UpstreamError(Exception):
    """The upstream broke a connection or spoke nonsense. `untouched`: before a byte of an answer came."""

    def __init__(self, message: str, *, untouched: bool = False) -> None:
        super().__init__(message)
        self.untouched = untouched


class UpstreamConnection(BaseProtocol):
    """One connection, for one exchange after the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.is_reused = False
        self.idle_since = 0.0
        self._answer: asyncio.Future[Answer] | None = None
        self._payload: StreamReader | None = None
        self._reusable = True
        self._touched = False

    def start(self, head: bytes, *, has_answer_body: bool) -> "asyncio.Future[Answer]":
        """Send a request's head. The future is its answer's head with the body to be read.

        It raises `UpstreamError`; so do reads of the body where the answer breaks off.
        """
        self._parser = HttpResponseParser(
            self,
            self._loop,
            READ_AHEAD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
            payload_exception=UpstreamError,
            response_with_body=has_answer_body,
            read_until_eof=True,
            auto_decompress=False,
        )
        self._touched = False
        self._payload = None
        self._answer = self._loop.create_future()
        self.write(head)
        return self._answer

    def write(self, data: bytes) -> None:
        """Send bytes. Follow with `drain` where there may be many."""
        if self.transport is not None:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the upstream takes more.

        Raises:
            UpstreamError: it is gone.
        """
        try:
            await self._drain_helper()
        except ConnectionError as error:
            raise UpstreamError("the connection was lost") from error

    @property
    def can_be_reused(self) -> bool:
        """Whether the exchange is over, in order, and nothing is left over from it."""
        ended = self._payload is not None and self._payload.at_eof()
        return ended and self._reusable and self.transport is not None and not self.transport.is_closing()

    def close(self) -> None:
        """Drop the connection, and what has not been sent or read on it."""
        if self._answer is not None and not self._answer.done():
            self._answer.cancel()
        if self.transport is not None:
            self.transport.abort()

    def rest(self) -> bool:
        """End an exchange: whether all of it was in order, so that the connection can be used again.

        Nothing is asked of the upstream any more; whatever it still says ends the connection.
        """
        if not self.can_be_reused or self._parser is None or _has_begun(self._parser):
            return False
        self._parser = None
        self.idle_since = monotonic()
        return True

    def data_received(self, data: bytes) -> None:
        """Take what the upstream sends; part of asyncio's protocol."""
        if self._parser is None:
            if data:
                self.close()
            return
        self._touched = self._touched or bool(data)
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._break(UpstreamError(f"not an HTTP answer: {type(error).__name__}"))
            return
        for message, payload in messages:
            self._take(message, payload)
        if upgraded:
            self._break(UpstreamError("it switched protocols, which nobody asked for"))

    def _take(self, message: RawResponseMessage, payload: StreamReader) -> None:
        fault = fault_of_answer(message.code, message.raw_headers)
        if fault is not None:
            self._break(UpstreamError(f"not an HTTP answer: {fault}"))
            return
        if message.code < 200:
            return
        if self._answer is None or self._answer.done():
            self._reusable = False
            return
        self._payload = payload
        self._reusable = not message.should_close
        self._answer.set_result((message, payload))

    def _break(self, error: UpstreamError) -> None:
        self._reusable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()  # seen: whoever asked may have left, and asyncio logs what nobody saw
        elif self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(error)
        self._parser = None
        self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The upstream closed, or we did; part of asyncio's protocol."""
        parser, error = self._parser, UpstreamError("it closed the connection", untouched=not self._touched)
        if parser is not None and exc is None:
            try:
                parser.feed_eof()
            except HttpProcessingError:
                error = UpstreamError("the answer broke off")
        self._break(error)
        super().connection_lost(exc)


def _has_begun(parser: HttpParser[RawResponseMessage]) -> bool:
    """Whether bytes of a further message have come after the last one."""
    try:
        return parser.feed_eof() is not None
    except HttpProcessingError:
        return True


class Upstream:
    """Connections to one address, kept while idle."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: deque[UpstreamConnection] = deque()

    async def connect(self, *, fresh: bool = False) -> UpstreamConnection:
        """An idle connection, the last used first, or a new one; always a new one if `fresh`.

        Raises:
            UpstreamError: nobody there.
        """
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.can_be_reused and monotonic() - connection.idle_since < MAX_IDLE_SECONDS:
                connection.is_reused = True
                return connection
            connection.close()
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: UpstreamConnection(loop), self._host, self._port
            )
        except OSError as error:
            raise UpstreamError(f"cannot connect: {error.strerror or error}", untouched=True) from error
        return connection

    def release(self, connection: UpstreamConnection) -> None:
        """Give a connection back: kept if its exchange is over in order, else dropped."""
        if len(self._idle) < MAX_IDLE_CONNECTIONS and connection.rest():
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Drop the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
