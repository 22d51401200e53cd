"""A client's connection: bytes in, requests one after the other, responses out; timers, discard and close.

It owns the socket; a `Transaction` owns the current request. Requests are parsed strictly, one at a time: the
next one is parsed when the current one is over and its response has been taken.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

from gateway.clock import monotonic, wall
from gateway.http.request_parser import RequestHead, RequestParser
from gateway.http.response_head import ProblemError, render_last_reply
from gateway.http.response_parser import Piece
from gateway.http.rules import BadRequestError
from gateway.proxy.client_timers import ClientTimer, TimeoutKind
from gateway.proxy.inbound_request import InboundRequest, InvalidRequest
from gateway.proxy.slots import ConnectionSlot, TryEvict
from gateway.proxy.tcp import abort_with_rst, peer_closed, readable, unsent_bytes
from gateway.proxy.transaction import Transaction, TransactionClient
from gateway.proxy.tunnel import Tunnel

if TYPE_CHECKING:
    from gateway.proxy.server import ProxyServer

TURN_BYTES = 32768
"""Bytes that are parsed in one turn: lines may be short, and one read brings a quarter of a megabyte."""
TURN_REQUESTS: Final = 64
"""Pipelined requests that are started in one turn."""
MAX_HELD_BYTES: Final = 65536
"""Bytes of further requests that wait for the current one; beyond it the client is not read."""
LINGER_SECONDS = 5.0
"""How long unwanted input is discarded, so that a reset does not destroy the response (RFC 9112 §9.6)."""
DISCONNECT_POLL_SECONDS = 0.5
"""How often a connection that is not read is polled for a disconnect."""

BODY: Final = 1
HELD: Final = 2
"""Reasons to pause reading: the upstream takes less content; enough has been read."""

_NOT_DRAINING: Final = -2
_BUSY: Final = -1

logger = logging.getLogger(__name__)


class ClientConnection(TransactionClient):
    """One client connection, with at most one current request."""

    __slots__ = (
        "_body_is_open",
        "_close_timer",
        "_disconnect_poll",
        "_drain_requests",
        "_has_responded",
        "_held",
        "_is_broken",
        "_is_closing",
        "_is_last",
        "_is_processing",
        "_is_write_paused",
        "_pauses",
        "_reader",
        "_server",
        "_slot",
        "_timer",
        "_transaction",
        "_transport",
        "_try_evict",
        "_turn",
        "requests",
    )

    def __init__(self, server: "ProxyServer", slot: ConnectionSlot | None = None) -> None:
        """`slot` is released when the connection closes."""
        self._server = server
        self._slot = slot
        self.peer = "unknown" if slot is None else slot.peer
        self.is_trusted = server.trusts(self.peer)
        self.scheme = b"http"
        self.requests = 0
        """Requests started."""
        self._try_evict: TryEvict = self.try_evict
        self._transport: asyncio.Transport | None = None
        self._timer: ClientTimer | None = None
        self._reader = RequestParser(server.protected_names)
        self._reader.skip()  # keep bytes until the next request starts
        self._transaction: Transaction | None = None
        self._held = b""
        self._turn: asyncio.Handle | None = None
        self._pauses = 0
        self._disconnect_poll: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._drain_requests = _NOT_DRAINING
        self._body_is_open = False
        self._is_last = False
        self._is_broken = False
        self._is_closing = False
        self._is_processing = False
        self._has_responded = False
        """Whether a response or a discard has been completed while requests are processed."""
        self._is_write_paused = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The head timeout of the first request starts."""
        self._transport = own = cast(asyncio.Transport, transport)  # uvloop's class is no subclass
        if transport.get_extra_info("ssl_object") is not None:
            self.scheme = b"https"
        self._timer = ClientTimer(self._server.limits, own, self._on_timeout)
        self._server.add(self)
        if self._slot is not None:
            self._slot.mark_idle(self._try_evict)

    def connection_lost(self, exc: BaseException | None) -> None:
        del exc
        self._is_closing = True
        try:
            self._end_transaction(by_peer=True)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self._fail(error)
        self._release()
        if self._slot is not None:
            self._slot.release()
        self._transport = None

    def _release(self) -> None:
        """Stop all timers, and release the server's registry."""
        self._server.remove(self)
        if self._timer is not None:
            self._timer.stop()
        for timer in (self._disconnect_poll, self._close_timer, self._turn):
            if timer is not None:
                timer.cancel()
        self._disconnect_poll = self._close_timer = self._turn = None

    def data_received(self, data: bytes) -> None:
        try:
            if not data or (self._is_free and self._start_simple(data)):
                return
            if self._held or (len(data) > TURN_BYTES and not self._reader.takes_any_bytes):
                self._held += data
                self._take_turns()
            else:
                self._receive(data)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self._fail(error)

    def eof_received(self) -> bool | None:
        """FIN from the client ends the connection (decision 26)."""
        return None

    def pause_writing(self) -> None:
        self._is_write_paused = True
        timer = self._timer
        if timer is not None:
            timer.timeouts.on_write(monotonic())
            timer.rearm()
        try:
            if self._transaction is not None:
                self._transaction.on_client_full()
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self._fail(error)

    def resume_writing(self) -> None:
        """Parse the next request only now, so that responses do not pile up."""
        self._is_write_paused = False
        if self._timer is not None:
            self._timer.timeouts.on_drained()
        self._update_timers()
        try:
            if self._transaction is not None:
                self._transaction.on_client_ready()
            self._process()
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """An unexpected exception: end the current request, and accept no further one."""
        self._is_processing = False
        self._is_last = True
        transaction = self._transaction
        if transaction is None:
            logger.error("a connection failed", exc_info=error)
            self._close()
        else:
            transaction.fail(error)

    # Requests

    @property
    def is_serving(self) -> bool:
        """Whether there is a current request."""
        return self._transaction is not None

    @property
    def is_open(self) -> bool:
        """Whether the connection is open and not detached."""
        return self._transport is not None

    @property
    def held_bytes(self) -> int:
        """Upper bound of the bytes that are not parsed yet."""
        return len(self._held) + len(self._reader.held)

    @property
    def _is_free(self) -> bool:
        """Whether the next bytes may start a request."""
        reader = self._reader
        return (
            self._transaction is None
            and not self._pauses
            and not self._body_is_open
            and not self._is_last
            and not self._is_broken
            and not self._is_closing
            and not self._is_write_paused
            and not self._held
            and not reader.held
            and reader.ended
        )

    def _start_simple(self, data: bytes) -> bool:
        """Start the request if `data` is one whole request that the memo accepts; else return False."""
        transaction = self._server.simple_transaction(data, self)
        if transaction is None:
            return False
        self.requests += 1
        self._transaction = transaction
        transaction.start()
        if self.is_serving and self._timer is not None:
            self._timer.timeouts.on_complete()
        return True

    def _receive(self, data: bytes) -> None:
        if self._is_broken:
            return
        self._process(data)
        if self._holds_enough:
            self._pause(HELD)

    def _process(self, data: bytes = b"") -> None:
        """Parse `data` and held bytes, and start their requests. A nested call does nothing."""
        if self._is_processing:
            return
        self._is_processing = True
        self._has_responded = False
        started = 0
        if data:
            self._parse(data)
        while self._may_begin_next() and started < TURN_REQUESTS:
            started += 1
            self._parse(None)
        self._is_processing = False
        if data:
            self._update_timers(len(data))
        if self._has_responded or (started and not data):
            self._update_timers()
        if started == TURN_REQUESTS and self._may_begin_next() and self._turn is None:
            self._pause(HELD)
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)
        elif started:
            self._resume_if_drained()

    def _parse(self, data: bytes | None) -> None:
        """Parse more of the current request; with None, the next request of the held bytes."""
        try:
            events = self._reader.next_request() if data is None else self._reader.feed(data)
        except BadRequestError as malformed:
            self._on_malformed(malformed)
        else:
            self._take(events)

    def _may_begin_next(self) -> bool:
        if self._transaction is not None or self._body_is_open or self._is_write_paused or self._is_broken:
            return False
        return self._reader.ended and bool(self._reader.held) and not (self._is_last or self._is_closing)

    def _take(self, events: list[RequestHead | bytes]) -> None:
        """Handle the parser's events: a head, content, the end of a request."""
        head: RequestHead | None = None
        pieces: list[bytes] = []
        for event in events:
            if isinstance(event, RequestHead):
                head = event
            else:
                pieces.append(event)
        transaction: Transaction | None = None
        if head is not None:
            if self._is_closing:
                return
            transaction = self._begin(self._server.parsed_request(head, self), has_body=head.has_body)
        if self._body_is_open:
            self._take_body(b"".join(pieces), at_end=self._reader.ended)
        if transaction is not None:
            transaction.start()

    def _begin(self, request: InboundRequest, *, has_body: bool) -> Transaction:
        self.requests += 1
        self._body_is_open = has_body
        transaction = self._transaction = self._server.transaction(request, self)
        if self._timer is not None:
            self._timer.timeouts.on_complete()
        return transaction

    def _take_body(self, data: bytes, *, at_end: bool) -> None:
        self._body_is_open = not at_end
        transaction = self._transaction
        if transaction is not None:
            if data:
                transaction.on_body(data)
            if at_end:
                transaction.on_body_end()
        elif at_end:
            self._discarded()

    def _on_malformed(self, malformed: BadRequestError) -> None:
        """Parsing stops: the current request fails, or an invalid request is rejected."""
        self._is_broken = True
        if self._transaction is None and not self._body_is_open:
            if not self._is_closing:
                self._begin(InvalidRequest(malformed, self.peer), has_body=True).start()
            return
        logger.debug("malformed request from %s: %s", self.peer, malformed.rule.name)
        # Input is discarded for a while, as the client may still be sending. TLS has no half-close.
        transport = self._transport
        self._body_is_open = transport is not None and transport.can_write_eof()
        self._fail_body(ProblemError(400, "The body is not well-formed."))

    def _fail_body(self, problem: ProblemError) -> None:
        """Fail the current request with `problem`; the rest of its content is not read."""
        self._is_broken = True
        self._is_last = True
        if self._transaction is None:
            self._close()
        else:
            self._transaction.on_body_error(problem)

    # TransactionClient

    def may_continue(self) -> bool:
        """Whether another request may follow the current one."""
        return not self._is_last

    def is_body_complete(self) -> bool:
        """Whether the current request has been received completely."""
        return not self._body_is_open

    def send(self, pieces: list[Piece]) -> None:
        """Send in one call, since each call can become a packet."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def unsent_bytes(self) -> int:
        """Bytes that were sent and the client has not acknowledged, as far as the kernel reports them."""
        return 0 if self._transport is None else unsent_bytes(self._transport)

    def pause_body(self) -> None:
        """Read no more content for now."""
        self._pause(BODY)

    def resume_body(self) -> None:
        """Read content again."""
        self._resume(BODY)

    def response_done(self, *, keep_alive: bool) -> None:
        """The response has been sent: start the next request, discard the rest of this one, or close."""
        self._transaction = None
        if keep_alive and self._is_free:
            self._on_idle()
            return
        self._is_last = self._is_last or not keep_alive
        self._resume(BODY)
        if self._body_is_open:
            self._set_close_timer()
        self._has_responded = True
        if self._is_last:
            self._finish_connection()
        if not self._is_processing:
            self._process()
            self._update_timers()

    def response_broken(self, *, by_reset: bool) -> None:
        """The response is cut off, which the client must notice by the close or reset."""
        self._transaction = None
        self._is_last = True
        if by_reset and self._transport is not None:
            abort_with_rst(self._transport)
        self._update_timers()  # it closes when the client has received what was sent, or times out
        self._close()

    def detach(self, tunnel: Tunnel) -> bytes | None:
        """Hand the connection to the tunnel. Returns bytes received after the request; None if closed."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return None
        self._transaction = None
        self._release()
        self._is_closing = True
        self._transport = None
        transport.pause_reading()
        transport.set_protocol(tunnel.client)
        tunnel.client.connection_made(transport)
        self._server.add_tunnel(tunnel)
        if self._slot is not None:
            self._slot.mark_busy()
            tunnel.at_end(self._slot.release)
        return self._reader.held + self._held

    # Discard and close

    def _discarded(self) -> None:
        """The rest of an unwanted request has been received and discarded."""
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        if self._is_last:
            self._close()
        self._has_responded = True

    def _set_close_timer(self) -> None:
        if self._close_timer is None:
            loop = asyncio.get_running_loop()
            self._close_timer = loop.call_later(LINGER_SECONDS, self._on_close_timer)

    def _on_close_timer(self) -> None:
        self._close_timer = None
        self._is_last = True
        self._close()

    def _finish_connection(self) -> None:
        """After the last response: lingering close (RFC 9112 §9.6).

        A close with unread bytes sends RST, which can destroy the response. So the client gets FIN first, and
        has time to close while its input is discarded.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
            if not self._body_is_open and (self._held or self._reader.held or readable(transport)):
                self._is_broken, self._held = True, b""
                self._resume(HELD)
                self._set_close_timer()
                return
        if not self._body_is_open:
            self._close()

    def _close(self) -> None:
        """Close when the write buffer has drained."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    def force_close(self, *, by_peer: bool) -> None:
        """End the current request and close at once."""
        self._end_transaction(by_peer=by_peer)
        self._close()

    def _end_transaction(self, *, by_peer: bool) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.on_client_gone(by_peer=by_peer)

    # Flow control

    @property
    def _has_turn(self) -> bool:
        return self._turn is not None

    @property
    def _holds_enough(self) -> bool:
        return len(self._reader.held) > MAX_HELD_BYTES

    def _take_turns(self) -> None:
        """Parse in turns, so that other connections are served in between."""
        self._pause(HELD)
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        if self._transport is None:
            return
        try:
            self._process()
            if self._pauses & BODY or self._holds_enough or self._has_turn:
                return
            if self._held:
                data, self._held = self._held[:TURN_BYTES], self._held[TURN_BYTES:]
                self._receive(data)
            self._resume_if_drained()
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self._fail(error)

    def _resume_if_drained(self) -> None:
        if self._held:
            self._take_turns()
        elif not self._holds_enough and self._turn is None:
            self._resume(HELD)

    def _pause(self, reason: int) -> None:
        was_read, self._pauses = not self._pauses, self._pauses | reason
        transport = self._transport
        if not was_read or transport is None:
            return
        if not transport.is_closing():
            transport.pause_reading()
        if self._timer is not None:
            self._timer.timeouts.on_body_paused(monotonic())
        if self._disconnect_poll is None:
            self._poll_disconnect_later()

    def _resume(self, reason: int) -> None:
        if not self._pauses & reason:
            return
        self._pauses &= ~reason
        if reason == BODY and self._held:
            self._take_turns()
        transport = self._transport
        if self._pauses or transport is None:
            return
        if not transport.is_closing():
            transport.resume_reading()
        self._update_timers()

    def _poll_disconnect_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._disconnect_poll = loop.call_later(DISCONNECT_POLL_SECONDS, self._poll_disconnect)

    def _poll_disconnect(self) -> None:
        """While reading is paused, the event loop does not notice a FIN."""
        self._disconnect_poll = None
        transport = self._transport
        if transport is None or transport.is_closing() or not self._pauses:
            return
        if peer_closed(transport):
            transport.abort()
        else:
            self._poll_disconnect_later()

    # Timers

    def _update_timers(self, size: int = 0) -> None:
        """Update the timeouts after `size` bytes were received."""
        timer = self._timer
        if timer is None:
            return
        timeouts, now, is_idle = timer.timeouts, monotonic(), self._transaction is None
        if is_idle and not (self._is_last or self._body_is_open or self._has_partial_request):
            if not size:
                self._on_idle()
            return
        if self._slot is not None:
            self._slot.mark_busy()
        if self._body_is_open and not self._is_broken and not (is_idle and self._is_last):
            timeouts.on_body(now, size)
            if not self._pauses:
                timeouts.on_body_wait(now)
        elif is_idle and not (self._is_last or self._is_write_paused):
            timeouts.on_head(now)
        else:
            timeouts.on_complete()
            if not (self._is_last and timer.buffered_bytes):
                return
            timeouts.on_write(now)
        timer.rearm()

    def _on_idle(self) -> None:
        """The connection waits for the next request."""
        if self._timer is not None:
            self._timer.on_idle(monotonic())
        if self._slot is not None:
            self._slot.mark_idle(self._try_evict)

    @property
    def _has_partial_request(self) -> bool:
        """Whether a part of the next request has been received."""
        reader = self._reader
        return bool(reader.held) if reader.ended else reader.has_begun

    def _on_timeout(self, kind: TimeoutKind) -> None:
        """The client is too slow: 408 for a partial request (RFC 9110 §15.5.9), else close."""
        timer = self._timer
        if timer is None:
            return
        if kind is TimeoutKind.CLOSING:
            timer.abort()
            return
        self._server.counters.count_late(kind)
        logger.debug("%s is too slow with: %s", self.peer, kind)
        if kind is TimeoutKind.RESPONSE:
            timer.abort()
        elif kind is TimeoutKind.BODY:
            self._body_is_open = False
            try:
                self._fail_body(ProblemError(408, "The body came too slowly."))
            except Exception as error:  # noqa: BLE001 - `fail` logs it
                self._fail(error)
        else:
            if kind is TimeoutKind.HEAD and self._transport is not None and not self._transport.is_closing():
                problem = ProblemError(408, "The head came too slowly.")
                is_head = self._reader.method == "HEAD"
                self._transport.write(render_last_reply(problem.reply(), head_only=is_head, now=wall()))
            self.force_close(by_peer=False)

    # Eviction and shutdown

    def try_evict(self) -> bool | None:
        """Close the idle connection to free its slot (see `TryEvict`).

        A connection with unread bytes is not idle, and with unsent bytes a close would not free it.
        """
        if self._transaction is not None:
            return None
        transport = self._transport
        if transport is None or transport.is_closing() or readable(transport):
            return False
        if transport.get_write_buffer_size():
            if self._slot is not None:
                self._slot.mark_idle(self._try_evict)
            return False
        self.force_close(by_peer=False)
        return True

    def drain(self) -> None:
        """Called once a second during a shutdown: close when idle for long enough, then at once."""
        transport = self._transport
        if transport is None:
            return
        if self._is_last and self._drain_requests != _NOT_DRAINING and self._transaction is None:
            self._close()
            return
        is_idle = self._transaction is None and not self._has_partial_request and not self._body_is_open
        requests = self.requests if is_idle else _BUSY
        was_idle, self._drain_requests = requests == self._drain_requests and is_idle, requests
        if not was_idle:
            return
        self._is_last = True
        if transport.can_write_eof():
            transport.write_eof()  # a close that crosses with a request would reset the connection
        else:
            transport.close()  # TLS sends close_notify, and waits for the client's
