"""One HTTP/1.1 connection to an upstream: writes requests as bytes, parses responses strictly.

aiohttp's `ClientSession` is not used, since it rewrites the target and adds, decodes and reorders fields.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from gateway.clock import monotonic
from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import InvalidResponseError, Piece, ResponseParser, keep_alive_seconds
from gateway.proxy.tcp import SocketProbe, read_remaining

MAX_AGE_SECONDS = 300.0
"""Maximum age for reuse, so that changes in DNS and behind load balancers take effect."""
REMAINING_BYTES = 131072
"""How much is read from a connection whose write failed."""

OnInterim = Callable[[ResponseHead], None]


class UpstreamError(Exception):
    """The upstream closed the connection or sent an invalid response.

    `before_response`: no byte of a response had come.
    """

    def __init__(self, message: str, *, before_response: bool = False) -> None:
        super().__init__(message)
        self.before_response = before_response


class ResponseReceiver(Protocol):
    """Callbacks for the events of one response.

    The receiver may release the connection in any of them; then no further callback comes.
    """

    def on_headers(self, head: ResponseHead) -> None:
        """The response head; or the head of an offered 101, which is the last event."""

    def on_response(self, head: ResponseHead, body: bytes) -> None:
        """A whole response of known length in one read: the only event then."""

    def on_data(self, piece: Piece) -> None:
        """A piece of content."""

    def on_idle(self) -> None:
        """All bytes of one read have been passed on, and the response is not complete."""

    def on_complete(self) -> None:
        """The response is complete; the connection can be released."""

    def on_error(self, error: UpstreamError) -> None:
        """The response failed, before or after its head."""

    def on_upstream_full(self) -> None:
        """The write buffer is full."""

    def on_upstream_ready(self) -> None:
        """The write buffer has drained."""

    def fail(self, error: BaseException) -> None:
        """A callback raised an exception, which is a bug."""


class UpstreamConnection(asyncio.Protocol):
    """Carries one exchange at a time."""

    def __init__(self, age_seconds: float = MAX_AGE_SECONDS) -> None:
        """The connection is not reused after `age_seconds`."""
        self.is_reused = False
        self.idle_until = 0.0
        self._usable_until = monotonic() + age_seconds
        self._hint_seconds: float | None = None  # Keep-Alive: timeout=… of the first response
        self._transport: asyncio.Transport | None = None
        self._probe: SocketProbe | None = None
        self._is_paused = False
        self._reader: ResponseParser | None = None
        self._receiver: ResponseReceiver | None = None
        self._on_interim: OnInterim | None = None
        self._has_response_bytes = False
        self._is_switching = False
        self._has_eof = False

    def start(
        self,
        head: bytes,
        receiver: ResponseReceiver,
        *,
        has_response_body: bool,
        upgrade: bytes = b"",
        on_interim: OnInterim | None = None,
    ) -> None:
        """Send a request head. The receiver gets the events of its response; an error at once if closed.

        Args:
            has_response_body: False for HEAD.
            upgrade: the protocol that the request offers, in lower case; only a 101 for it is valid. The
                connection is not read after a 101, until `detach`.
            on_interim: called with each 1xx head except 100 and 101.
        """
        self._reader = ResponseParser(has_body=has_response_body, upgrade=upgrade)
        self._receiver = receiver
        self._on_interim = on_interim
        self._has_response_bytes = False
        if self._transport is None:
            self._break(UpstreamError("it closed the connection", before_response=True))
        else:
            self._transport.write(head)

    def write(self, data: bytes) -> None:
        """Send bytes; may call `on_upstream_full` before it returns."""
        if self._transport is not None:
            self._transport.write(data)

    def detach(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101, hand the transport to `protocol`. Returns bytes received after the 101.

        Reading is paused; the protocol resumes it.
        """
        transport, reader = self._transport, self._reader
        if transport is None or reader is None:
            raise UpstreamError("the connection was lost")
        self._transport = self._reader = None
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return reader.rest

    @property
    def can_be_reused(self) -> bool:
        """Whether it is open and idle, and its last exchange completed without surplus bytes."""
        transport, reader = self._transport, self._reader
        if transport is None or transport.is_closing() or self._is_switching:
            return False
        if reader is None:
            return True
        return reader.ended and not reader.rest and reader.head is not None and reader.head.keep_alive

    @property
    def is_clean(self) -> bool:
        """Whether it can be reused and has no unread bytes or FIN.

        Bytes that the event loop has not read yet would be parsed as the next response.
        """
        transport, probe = self._transport, self._probe
        if transport is None or probe is None or transport.is_closing():
            return False
        return (self._reader is None or self.can_be_reused) and not probe.readable()

    def close(self) -> None:
        """Close at once. The receiver gets no event."""
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def finish_exchange(self, idle_seconds: float) -> bool:
        """End the exchange. Returns whether the connection may be kept idle, until `idle_until`.

        That is in `idle_seconds`, or earlier if the upstream sent a shorter Keep-Alive timeout. Any byte that
        comes before the next exchange closes the connection.
        """
        if not self.can_be_reused:
            return False
        now = monotonic()
        if self._hint_seconds is None and self._reader is not None and self._reader.head is not None:
            self._hint_seconds = keep_alive_seconds(self._reader.head.fields)
        if self._hint_seconds is not None and self._hint_seconds < idle_seconds:
            idle_seconds = self._hint_seconds
        self.idle_until = min(now + idle_seconds, self._usable_until)
        self._reader = self._receiver = self._on_interim = None
        if self._is_paused:  # a client that was slow until the end
            self.resume_reading()
        return now < self.idle_until

    def pause_reading(self) -> None:
        """Pause the response."""
        self._is_paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume the response."""
        self._is_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._probe = SocketProbe(transport)

    def pause_writing(self) -> None:
        receiver = self._receiver
        if receiver is not None:
            try:
                receiver.on_upstream_full()
            except Exception as error:  # noqa: BLE001 - `fail` logs it
                receiver.fail(error)

    def resume_writing(self) -> None:
        receiver = self._receiver
        if receiver is not None:
            try:
                receiver.on_upstream_ready()
            except Exception as error:  # noqa: BLE001 - `fail` logs it
                receiver.fail(error)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None or (reader.ended and not self._is_switching):
            # Surplus bytes; the response before them is complete.
            self.close()
            return
        self._has_response_bytes = True
        try:
            events = reader.feed(data)
        except InvalidResponseError as error:
            self._break(UpstreamError(f"not an HTTP answer: {error}"))
        else:
            self._dispatch(reader, events)

    def _dispatch(self, reader: ResponseParser, events: list[ResponseHead | Piece]) -> None:
        receiver = self._receiver
        if receiver is None:
            return
        try:
            if len(events) == 2 and reader.ended:
                head, body = events
                if isinstance(head, ResponseHead) and head.length is not None and isinstance(body, bytes):
                    self._receiver = None
                    receiver.on_response(head, body)
                    return
            for event in events:
                if not isinstance(event, ResponseHead):
                    receiver.on_data(event)
                elif event.status >= 200:
                    receiver.on_headers(event)
                else:
                    self._dispatch_interim(receiver, event)
                if self._receiver is not receiver:
                    return
            if self._is_switching:
                return
            if reader.ended:
                self._receiver = None
                receiver.on_complete()
            else:
                receiver.on_idle()
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            receiver.fail(error)

    def _dispatch_interim(self, receiver: ResponseReceiver, head: ResponseHead) -> None:
        if head.status == 101:
            self._is_switching = True
            self.pause_reading()
            receiver.on_headers(head)
        elif head.status != 100 and self._on_interim is not None:
            self._on_interim(head)

    def _break(self, error: UpstreamError) -> None:
        receiver = self._receiver
        self.close()
        if receiver is not None:
            try:
                receiver.on_error(error)
            except Exception as fault:  # noqa: BLE001 - `fail` logs it
                receiver.fail(fault)

    def eof_received(self) -> None:
        """FIN, or close_notify with TLS (RFC 9112 §9.8)."""
        self._has_eof = True

    def connection_lost(self, exc: BaseException | None) -> None:
        transport, self._transport = self._transport, None
        reader = self._reader
        if reader is None:
            return
        if exc is not None and transport is not None and not reader.ended:
            # An upstream that rejects the rest of a body responds and closes.
            data = read_remaining(transport, REMAINING_BYTES)
            if data:
                self.data_received(data)
        error = UpstreamError("it closed the connection", before_response=not self._has_response_bytes)
        if exc is None and self._has_response_bytes and self._has_eof:
            try:
                reader.feed_eof()
            except InvalidResponseError:
                error = UpstreamError("the answer broke off")
            else:
                self._dispatch(reader, [])
        self._break(error)
