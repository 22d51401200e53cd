"""One connection of the node's own to an upstream: request heads and bodies as bytes, answers checked.

Not aiohttp's `ClientSession`: it rewrites the target and adds, decodes and reorders fields.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from gateway.clock import monotonic
from gateway.http.response_parser import (
    InvalidResponseError,
    Piece,
    ResponseHead,
    ResponseParser,
    keep_alive_seconds,
)
from gateway.proxy.looks import Look
from gateway.proxy.resets import unread

MAX_AGE_SECONDS = 300.0
"""A name may lead elsewhere by then, and a balancer in between have others to choose from."""
UNREAD_BYTES = 131072
"""As much is read of a connection that broke at a write."""

OnInterim = Callable[[ResponseHead], None]


class UpstreamError(Exception):
    """The upstream broke a connection or spoke nonsense. `untouched`: before a byte of an answer came."""

    def __init__(self, message: str, *, untouched: bool = False) -> None:
        super().__init__(message)
        self.untouched = untouched


class Receiver(Protocol):
    """Is told of one answer as it comes, by calls that must not raise.

    It may let go of the connection at any of them: then nothing follows.
    """

    def on_headers(self, head: ResponseHead) -> None:
        """Its head, or that of a 101 where a switch was offered, which nothing follows."""

    def on_response(self, head: ResponseHead, body: bytes) -> None:
        """The same, what follows it and its end at once: this alone is called then."""

    def on_data(self, piece: Piece) -> None:
        """A piece of its body."""

    def on_idle(self) -> None:
        """What has come of it has been told, and there is more to come."""

    def on_complete(self) -> None:
        """All of it is there, and the connection can be given back."""

    def on_error(self, error: UpstreamError) -> None:
        """The rest of it will not come; before its head or after."""

    def on_upstream_full(self) -> None:
        """The upstream takes less of the request than is written."""

    def on_upstream_ready(self) -> None:
        """The upstream takes more again."""

    def fail(self, error: BaseException) -> None:
        """One of the calls above raised an exception, which is a fault of the node's own."""


class UpstreamConnection(asyncio.Protocol):
    """For one exchange after the other."""

    def __init__(self, age_seconds: float = MAX_AGE_SECONDS) -> None:
        """After `age_seconds` it is not used for another exchange."""
        self.is_reused = False
        self.idle_until = 0.0
        self._usable_until = monotonic() + age_seconds
        self._hint_seconds: float | None = None  # of its first answer
        self._transport: asyncio.Transport | None = None
        self._look: Look | None = None
        self._is_paused = False
        self._reader: ResponseParser | None = None
        self._receiver: Receiver | None = None
        self._on_interim: OnInterim | None = None
        self._touched = False
        self._is_switching = False
        self._has_eof = False

    def start(
        self,
        head: bytes,
        receiver: Receiver,
        *,
        has_response_body: bool,
        upgrade: bytes = b"",
        on_interim: OnInterim | None = None,
    ) -> None:
        """Send a request's head. The receiver is told of its answer; at once where the connection is lost.

        Args:
            has_response_body: False for HEAD.
            upgrade: the protocol that the head offers to switch to, in lower case. Only to that one a 101 is
                an answer: then nothing is read any more until `hand_over`.
            on_interim: called with each head of status 1xx but 100 and 101.
        """
        self._reader = ResponseParser(has_body=has_response_body, upgrade=upgrade)
        self._receiver = receiver
        self._on_interim = on_interim
        self._touched = False
        if self._transport is None:
            self._break(UpstreamError("it closed the connection", untouched=True))
        else:
            self._transport.write(head)

    def write(self, data: bytes) -> None:
        """Send bytes; `on_upstream_full` is called where the upstream takes less."""
        if self._transport is not None:
            self._transport.write(data)

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101: `protocol` has the connection from now on; what came behind the 101 for it.

        Reading stands still: its `connection_made` gets the transport, and may resume it.
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
        """Whether it is open, and the exchange over in order with nothing left over from it."""
        transport, reader = self._transport, self._reader
        if transport is None or transport.is_closing() or self._is_switching:
            return False
        if reader is None:
            return True
        return reader.ended and not reader.rest and reader.head is not None and reader.head.keep_alive

    @property
    def is_quiet(self) -> bool:
        """Whether it can be used again, and nothing has come on it, not even its end.

        What the event loop has not read yet would be taken for the answer to the next request.
        """
        transport, look = self._transport, self._look
        if transport is None or look is None or transport.is_closing():
            return False
        return (self._reader is None or self.can_be_reused) and not look.has_something()

    def close(self) -> None:
        """Drop the connection, and what has not been sent or read on it. Nobody is told."""
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def settle(self, idle_seconds: float) -> bool:
        """End an exchange: whether all of it was in order, so that the connection can be used again.

        Nothing is asked of the upstream any more; whatever it still says ends the connection. It may wait for
        the next exchange until `idle_until`, in `idle_seconds` or earlier where the upstream closes earlier.
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
        if self._is_paused:  # by who took less than came, at the very end
            self.resume_reading()
        return now < self.idle_until

    def pause_reading(self) -> None:
        """Let nothing more come of the answer."""
        self._is_paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let more come of it."""
        self._is_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there; part of asyncio's protocol, as what follows."""
        self._transport = cast(asyncio.Transport, transport)
        self._look = Look(transport)

    def pause_writing(self) -> None:
        """The upstream takes less than is sent."""
        receiver = self._receiver
        if receiver is not None:
            try:
                receiver.on_upstream_full()
            except Exception as error:  # noqa: BLE001 - `fail` logs it
                receiver.fail(error)

    def resume_writing(self) -> None:
        """It takes more again."""
        receiver = self._receiver
        if receiver is not None:
            try:
                receiver.on_upstream_ready()
            except Exception as error:  # noqa: BLE001 - `fail` logs it
                receiver.fail(error)

    def data_received(self, data: bytes) -> None:
        """Take what the upstream sends."""
        reader = self._reader
        if reader is None or (reader.ended and not self._is_switching):
            # A surplus; what has come of the answer before it is whole.
            self.close()
            return
        self._touched = True
        try:
            events = reader.feed(data)
        except InvalidResponseError as error:
            self._break(UpstreamError(f"not an HTTP answer: {error}"))
        else:
            self._tell(reader, events)

    def _tell(self, reader: ResponseParser, events: list[ResponseHead | Piece]) -> None:
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
                    self._tell_early(receiver, event)
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

    def _tell_early(self, receiver: Receiver, head: ResponseHead) -> None:
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
        """The upstream has said that nothing follows, by TLS where that is spoken (RFC 9112 §9.8)."""
        self._has_eof = True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The upstream closed, or we did."""
        transport, self._transport = self._transport, None
        reader = self._reader
        if reader is None:
            return
        if exc is not None and transport is not None and not reader.ended:
            # An upstream that wants no more of a body answers and closes.
            data = unread(transport, UNREAD_BYTES)
            if data:
                self.data_received(data)
        error = UpstreamError("it closed the connection", untouched=not self._touched)
        if exc is None and self._touched and self._has_eof:
            try:
                reader.feed_eof()
            except InvalidResponseError:
                error = UpstreamError("the answer broke off")
            else:
                self._tell(reader, [])
        self._break(error)
