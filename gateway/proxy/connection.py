"""A client's connection: its requests are read strictly, and answered through aiohttp's server.

aiohttp's parser never sees what a client sent: it repairs, and what it has repaired cannot be judged any
more. It gets a head that is always the same, with the body in chunks.
"""

import asyncio
import logging

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gateway.clock import monotonic
from gateway.connections import Place
from gateway.proxy.head import RequestHead
from gateway.proxy.looks import has_something
from gateway.proxy.patience import TimeLimits
from gateway.proxy.reader import Events, RequestReader
from gateway.proxy.rules import Malformed
from gateway.proxy.watched_connection import LINGER_SECONDS, WatchedConnection
from gateway.telemetry.counters import Counters

TURN_BYTES = 32768
"""As much of what has to be looked at is taken at once."""
MAX_HELD_BYTES = 65536
"""Of requests that are sent before the one at hand is answered; then nothing more is taken."""

_WITHOUT_BODY = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"
_WITH_BODY = b"POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"

logger = logging.getLogger(__name__)


class Connection(WatchedConnection):
    """One client's connection. A request is read when the one before it is over, whatever has come."""

    __slots__ = (
        "_body",
        "_is_answered",
        "_is_broken",
        "_is_last",
        "_later",
        "_owes_end",
        "_reader",
        "_turn",
        "head",
    )

    def __init__(
        self,
        server: web.Server,
        counters: Counters,
        hurry: asyncio.Event,
        shadowed: frozenset[bytes],
        limits: TimeLimits,
        place: Place | None = None,
    ) -> None:
        super().__init__(server, counters, hurry, limits, place)
        self._reader = RequestReader(shadowed)
        self._body: StreamReader = EMPTY_PAYLOAD
        self._is_answered = True
        self._is_last = False
        self._is_broken = False
        self._owes_end = False
        self._later = b""
        self._turn: asyncio.Handle | None = None
        self.head: RequestHead | Malformed
        """Of the request at hand, or what is wrong with it."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        super().connection_lost(exc)
        self._body = EMPTY_PAYLOAD  # which knows this connection: without it nothing need be collected

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if not data:  # aiohttp's own way to go on with what it has been given
            super().data_received(data)
            if self._later:
                self._take_turns()
        elif self._later or (len(data) > TURN_BYTES and not self._reader.takes_any_bytes):
            self._later += data
            self._take_turns()
        else:
            self._receive(data)

    def resume_writing(self) -> None:
        """The client takes more again: only now the next request is read, so that no answers pile up."""
        super().resume_writing()
        if self._is_answered:
            self._go_on()
            self._wait()

    def is_at_rest(self) -> bool:
        """Whether nothing is under way, nothing has come, and a request may."""
        reader = self._reader
        if not self._is_answered or reader.has_begun or self._is_last or self._owes_end or self._is_broken:
            return False
        return not (reader.held or self._later or self._close or self._force_close or self._paused)

    def _take_turns(self) -> None:
        """Take what has come a part at a time, and let others have their turn in between.

        Lines and chunks may be as short as they like, and a quarter of a megabyte comes at once.
        """
        if not self._buffer_paused:
            self._pause_reading_for_buffer()
        if self._turn is None:
            self._turn = self._loop.call_soon(self._take_a_turn)

    def _take_a_turn(self) -> None:
        self._turn = None
        if self.transport is None or self._reading_paused or self._holds_enough:
            return
        data, self._later = self._later[:TURN_BYTES], self._later[TURN_BYTES:]
        self._receive(data)
        if self._later:
            self._take_turns()
        else:
            self._resume_reading_if_drained()

    @property
    def held_bytes(self) -> int:
        """How much has come, at most, that is not read yet."""
        return len(self._later) + len(self._reader.held)

    @property
    def _holds_enough(self) -> bool:
        """Whether no more is to be taken before the request at hand is over."""
        return len(self._reader.held) > MAX_HELD_BYTES

    def _resume_reading_if_drained(self) -> None:
        """Go on with what has come, and then with what may; aiohttp asks at each request that it takes."""
        if self._later:
            self._take_turns()
        elif self._buffer_paused and not self._holds_enough:
            self._resume_reading_for_buffer()

    def _receive(self, data: bytes) -> None:
        if self._is_broken:
            self._forward([data])  # to be dropped, so that the answer is not lost in a reset
            return
        try:
            self._take(self._reader.feed(data))
        except Malformed as malformed:
            self._break(malformed)
            self._wait(len(data))
        else:
            self._go_on()
            self._wait(len(data))
            if self._holds_enough and not self._buffer_paused:
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
        self._wait()
        return not self._is_last

    async def part(self) -> None:
        """After the last answer: see to it that it is not lost (RFC 9112 §9.6).

        A close with bytes unread resets the connection, and takes along what is still on its way. So the
        client sees the end first, and may take its time to close while what it still sends is dropped.
        """
        transport = self.transport
        # TLS, where an end cannot be written by itself, has its own way.
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            return
        transport.write_eof()
        if not self._owes_end and (self.held_bytes or has_something(transport)):
            self._is_broken, self._later = True, b""
            self._resume_reading_for_buffer()
            await asyncio.sleep(LINGER_SECONDS)  # or until it has closed, which cancels this

    def hand_over(self, protocol: asyncio.Protocol) -> bytes:
        """Give the connection to `protocol`, unread; what came behind the request at hand.

        Raises:
            ConnectionError: the client is gone.
        """
        transport, task = self.transport, self._task_handler
        if transport is None or transport.is_closing() or task is None:
            raise ConnectionResetError
        self._let_go()
        transport.pause_reading()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        task.add_done_callback(lambda _: self.connection_lost(None))
        if self._turn is not None:
            self._turn.cancel()
        return self._reader.held + self._later

    def _wait(self, size: int = 0) -> None:
        """Know what is to be waited for, now that `size` bytes have come."""
        patience, now = self.watchdog.patience, monotonic()
        if self._is_answered and not (self._is_last or self._owes_end or self._reader.has_begun):
            if not size:
                self._rests(now)
            return
        self._works()
        if self._owes_end and not (self._is_answered and self._is_last):
            patience.takes_body(now, size)
            if not (self._reading_paused or self._buffer_paused):
                patience.awaits_body(now)
        elif self._is_answered and not (self._is_last or self._paused):
            patience.begins(now)
        else:
            patience.has_all()
            if not (self._is_last and self.watchdog.buffered_bytes):
                return
            patience.sends(now)
        self.watchdog.rearm()

    def _lose_body(self, error: Exception) -> None:
        self._is_broken = True
        self._end_body(error)

    def _go_on(self) -> None:
        if not (self._is_answered and self._reader.ended) or self._is_last or self._paused:
            return
        try:
            self._take(self._reader.go_on())
        except Malformed as malformed:
            self._break(malformed)
        self._resume_reading_if_drained()

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
        self._start()
        super().data_received(_WITH_BODY if has_body else _WITHOUT_BODY)
        self._body = self._messages[-1][1]

    def _forward(self, pieces: list[bytes], *, at_end: bool = False) -> None:
        """Pass on what has come of the body."""
        if not self._owes_end:
            return
        self._owes_end = not at_end
        if at_end and self._is_answered:
            self._wait()
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
        logger.debug("malformed request from %s: %s", self.peer, malformed.rule.name)
        if self._is_answered and not self._owes_end:
            self._begin(malformed, has_body=True)
            return
        self._end_body(web.RequestPayloadError(malformed.detail))

    def _end_body(self, error: Exception) -> None:
        """Nothing more comes of it: whoever reads it gets the error."""
        if not self._is_answered:
            self._body.set_exception(error)
        self._body.feed_eof()
        self._owes_end = False
        self.close()

    def close(self) -> None:
        """Take no further request; the one at hand is answered first."""
        self._is_last = True
        if self._is_answered:
            super().close()

    @property
    def _is_idle(self) -> bool:
        return self._is_answered and not self._reader.has_begun

    @property
    def _method(self) -> str:
        return self._reader.method
