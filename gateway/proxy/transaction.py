"""The life of one request: check, connect, send, relay, finish. No task, no future.

Each public method is called by the client's connection, the limiter, the upstream or a timer, and does
nothing once the transaction is done. A call to any of them can end it: after each the state is read again.
"""

import asyncio
import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Final, Literal

from gateway.admission import Decision, DecisionResult, DecisionUnavailableError, PendingDecision
from gateway.clock import monotonic, wall
from gateway.http.fields import CHUNKED, CLOSE, render_fields
from gateway.http.request_id import id_line
from gateway.http.response_head import (
    CONTINUE,
    LocalReply,
    ProblemError,
    ResponseHead,
    render_local_reply,
    render_relayed_head,
)
from gateway.http.response_parser import Piece
from gateway.http.rules import METHODS, BadRequestError
from gateway.http.websocket import PROTOCOL, SWITCH, accepts
from gateway.proxy import replies
from gateway.proxy.client_timers import MIN_BYTES_PER_SECOND, MinDataRate, min_rate_error
from gateway.proxy.inbound_request import InboundRequest
from gateway.proxy.replies import MAPPED_ERRORS, reply_to
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from gateway.proxy.upstream_pool import UpstreamAddress, UpstreamAttempt, UpstreamOverflowError
from gateway.request_context import RequestContext
from gateway.telemetry.counters import Outcome

if TYPE_CHECKING:
    from gateway.proxy.server import ProxyState

CONNECT_SECONDS: Final = 4.0
"""Time for two lost packets of a TCP handshake (repeated after 1 s and 3 s), then the next address."""

MAX_HELD_BODY_BYTES: Final = 65536
"""Content that waits for the upstream; beyond it the client is not read."""

CHECKING: Final = 0
CONNECTING: Final = 1
SENDING: Final = 2
RELAYING: Final = 3
DONE: Final = 4

_CHUNKED_LINES: Final = render_fields([CHUNKED])
_CLOSE_LINES: Final = render_fields(CLOSE)
_KEEP_ALIVE_LINES: Final = b"Connection: keep-alive\r\n"
_SWITCH_LINES: Final = render_fields(SWITCH)
_NO_DECISION: Final = Decision(admitted=False)

logger = logging.getLogger(__name__)


class TransactionClient(asyncio.Protocol):
    """The connection of a request. A class instead of a `Protocol`, which compiled code calls slowly."""

    __slots__ = ("is_trusted", "peer", "scheme")

    peer: str
    """The address at the other end."""
    scheme: bytes
    """`http` or `https`."""
    is_trusted: bool
    """Whether the peer is a trusted proxy."""

    @abstractmethod
    def may_continue(self) -> bool:
        """Whether another request may follow the current one."""

    @abstractmethod
    def is_body_complete(self) -> bool:
        """Whether the current request has been received completely."""

    @abstractmethod
    def send(self, pieces: list[Piece]) -> None:
        """Send them to the client in one call."""

    @abstractmethod
    def unsent_bytes(self) -> int:
        """Bytes that were sent and the client has not acknowledged, as far as the kernel reports them."""

    @abstractmethod
    def pause_body(self) -> None:
        """Read no more of the request's content for now."""

    @abstractmethod
    def resume_body(self) -> None:
        """Read content again."""

    @abstractmethod
    def response_done(self, *, keep_alive: bool) -> None:
        """The whole response has been sent. Without `keep_alive` the connection closes."""

    @abstractmethod
    def response_broken(self, *, by_reset: bool) -> None:
        """The response is cut off, which the client must notice by the close or reset."""

    @abstractmethod
    def detach(self, tunnel: Tunnel) -> bytes | None:
        """Hand the connection to the tunnel. Returns bytes received after the request; None if closed."""


class Transaction:
    """One request of a client, from its head to the end of its response."""

    # What few requests need stands in the class; slots that are set on each instance were no faster.
    _state = CHECKING
    client_id = ""
    _decision = _NO_DECISION
    _pending: PendingDecision | None = None
    outcome: Outcome | Literal[""] = ""
    """Empty until the end, and where the client left before the decision."""
    status = 0
    """Of the response's head; 0 as long as there is none."""
    bytes_in = 0
    bytes_out = 0
    store_seconds: float | None = None
    """Until the decision; None without one."""
    upstream_seconds: float | None = None
    """Until the head of the upstream's response."""
    _is_forwarded = False
    _forwarded_at = 0.0
    _attempt: UpstreamAttempt | None = None
    _tried: tuple[UpstreamAddress, ...] = ()
    _total_timer: asyncio.TimerHandle | None = None

    _body_held: list[bytes] | None = None
    """Content that waits for the upstream."""
    _body_held_bytes = 0
    _is_body_paused = False
    _is_body_complete = False
    _body_error: ProblemError | None = None
    _is_upstream_full = False
    """Whether the upstream receives less than is written."""

    _out: list[Piece]
    """Bytes for the client, collected until all bytes of one upstream read have been handled."""
    _data_rate: MinDataRate | None = None
    _data_at = 0.0
    _data_bytes = 0
    _is_chunked = False
    _ends_by_close = False
    """Whether only the end of the connection ends the response, as in HTTP/1.0."""
    _keep_alive = False
    _is_client_full = False
    """Whether the client receives less than is written, so that the upstream is not read."""
    _is_complete = False
    """Whether the upstream's response is complete."""
    _is_switching = False

    def __init__(
        self,
        request: InboundRequest,
        request_id: str,
        started_at: float,
        client: TransactionClient,
        proxy: "ProxyState",
    ) -> None:
        """The request came at monotonic `started_at`."""
        self.request = request
        self.request_id = request_id
        self.started_at = started_at
        self._client = client
        self._proxy = proxy
        # Pinned here: a reload must not switch a request to other upstreams than its decision names.
        self._upstreams = proxy.upstreams.current

    # Check

    def start(self) -> None:
        """Check the request, and forward or reject it."""
        proxy = self._proxy
        proxy.counters.request_began()
        try:
            request, policies = self.request, proxy.policies
            request.check()
            key = request.sent_key(policies.identity)
            decided = proxy.admission.check(policies, request, key, request.address, self.on_decision)
            if isinstance(decided, PendingDecision):
                self._pending = decided
            else:
                self._act(decided)
        except MAPPED_ERRORS as reason:
            self._reject_without_decision(reason)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self.fail(error)

    def on_decision(self, decided: DecisionResult) -> None:
        """The limiter has decided."""
        self._pending = None
        try:
            if isinstance(decided, Decision):
                self._act(decided)
            else:
                self._reject_without_decision(decided)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self.fail(error)

    def _reject_without_decision(self, reason: Exception) -> None:
        outcome, self.client_id, reply = reply_to(reason, self._proxy.counters)
        if isinstance(reason, DecisionUnavailableError):
            self.store_seconds = monotonic() - self.started_at
        elif isinstance(reason, BadRequestError):
            logger.debug("malformed request from %s: %s", self._client.peer, reason.rule.name)
        self._reply(reply, outcome)

    def _act(self, decision: Decision) -> None:
        self._decision = decision
        style = self._proxy.options.ratelimit_headers
        if decision.client is not None:
            self.client_id = decision.client
        if decision.windows:
            self.store_seconds = monotonic() - self.started_at
        if not decision.admitted:
            self._reply(replies.rejected(decision, style), Outcome.REFUSED)
        elif self.request.is_last_hop:
            limits = replies.limit_fields(decision, style)
            self._reply(replies.options(METHODS, limits), Outcome.ADMITTED)
        else:
            self._forward()

    # Connect and send

    def _forward(self) -> None:
        options = self._proxy.options
        self._is_forwarded = True
        self._forwarded_at = monotonic()
        if self.request.expects_continue and not self._client.is_body_complete():
            self._send([CONTINUE])
        if options.request_seconds is not None:
            loop = asyncio.get_running_loop()
            self._total_timer = loop.call_later(options.request_seconds, self.on_total_timeout)
        self._try_next_address()

    def _try_next_address(self) -> None:
        now = monotonic()
        upstream = self._upstreams[self._decision.upstream]
        address = upstream.single if upstream.single is not None else upstream.pick(now, self._tried)
        if address is None:
            raise LookupError("all addresses have been tried")
        self._attempt = attempt = UpstreamAttempt(self, upstream, address, now)
        self._connect(attempt, fresh=False)

    def _connect(self, attempt: UpstreamAttempt, *, fresh: bool) -> None:
        idle = None if fresh else attempt.address.checkout_idle()
        if idle is not None:
            self._send_request(attempt, idle)
            return
        self._state = CONNECTING
        until = self._forwarded_at + self._proxy.options.upstream_timeout_seconds
        untried = len(self._upstreams[self._decision.upstream].addresses) - len(self._tried)
        share = max(0.0, until - monotonic()) / untried
        attempt.connect(min(CONNECT_SECONDS, share), self.log_context(), self.on_connected, fresh=fresh)

    def on_connected(self, attempt: UpstreamAttempt, result: UpstreamConnection | BaseException) -> None:
        """The attempt has a connection, or could not get one."""
        if self._state == DONE or attempt is not self._attempt:
            return
        try:
            if isinstance(result, UpstreamConnection):
                self._send_request(attempt, result)
            elif isinstance(result, UpstreamOverflowError):
                self._proxy.counters.upstream_full += 1
                self._end_by(result.reply())
            elif isinstance(result, UpstreamError | TimeoutError):
                self._attempt_failed(attempt, result)
            else:
                self.fail(result)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self.fail(error)

    def _send_request(self, attempt: UpstreamAttempt, connection: UpstreamConnection) -> None:
        request = self.request
        self._state = SENDING
        attempt.use(connection)
        upstream = self._upstreams[self._decision.upstream]
        head = request.render(self.request_id, self.client_id, upstream.authority)
        if not request.has_body:
            attempt.is_body_sent = True
            self._proxy.deadlines.start(self)
        connection.start(
            head,
            self,
            has_response_body=request.method != "HEAD",
            upgrade=b"" if request.handshake_key is None else PROTOCOL,
            on_interim=self._send_interim if request.has_http11 else None,
        )
        if self._attempt is not attempt or attempt.connection is not connection:
            return
        if self._is_client_full:
            connection.pause_reading()
        if request.has_body and self._may_write(attempt, connection):
            self._send_body(attempt, connection)

    def _send_interim(self, head: ResponseHead) -> None:
        """RFC 9110 §15.2: a proxy forwards interim responses, but not to HTTP/1.0."""
        self._send([head.end_to_end_text, b"\r\n\r\n"])

    # The request's content

    def on_body(self, data: bytes) -> None:
        """Content of the request, in pieces as it comes."""
        if self._state == DONE:
            return
        self.bytes_in += len(data)
        if self._body_held is None:
            self._body_held = [data]
        else:
            self._body_held.append(data)
        self._body_held_bytes += len(data)
        self._continue_body()
        if self._body_held_bytes > MAX_HELD_BODY_BYTES and not self._is_body_paused:
            self._is_body_paused = True
            self._client.pause_body()

    def on_body_end(self) -> None:
        """The content is complete."""
        if self._state != DONE:
            self._is_body_complete = True
            self._continue_body()

    def on_body_error(self, problem: ProblemError) -> None:
        """The rest of the content will not come, or cannot be read."""
        if self._state != DONE:
            self._body_error = problem
            self._continue_body()

    def _continue_body(self) -> None:
        attempt = self._attempt
        if attempt is not None and attempt.connection is not None:
            self._send_body(attempt, attempt.connection)

    def _send_body(self, attempt: UpstreamAttempt, connection: UpstreamConnection) -> None:
        """Write held content to the upstream while its write buffer has room."""
        if attempt.is_body_sent or not self._may_write(attempt, connection):
            return
        if self._body_error is not None:
            self._body_failed(self._body_error)
            return
        request = self.request
        held = self._body_held
        if held is not None:
            data = held[0] if len(held) == 1 else b"".join(held)
            limit = self._proxy.options.preflight.max_body_bytes
            if 0 < limit < attempt.body_bytes + len(data):
                self._body_failed(ProblemError(413, f"The body is longer than {limit} bytes."))
                return
            self._body_held = None
            self._body_held_bytes = 0
            attempt.body_bytes += len(data)
            connection.write(b"%x\r\n%b\r\n" % (len(data), data) if request.is_chunked else data)
            if not self._may_write(attempt, connection):
                return
        if self._is_body_paused:
            self._is_body_paused = False
            self._client.resume_body()
            if not self._may_write(attempt, connection):
                return
        if self._is_body_complete and self._body_held is None:
            if request.is_chunked:
                connection.write(b"0\r\n\r\n")
            attempt.is_body_sent = True
            if not self.status:
                self._proxy.deadlines.start(self)

    def _may_write(self, attempt: UpstreamAttempt, connection: UpstreamConnection) -> bool:
        """Whether the attempt goes on, and the upstream's write buffer has room."""
        is_current = self._attempt is attempt and attempt.connection is connection
        return is_current and not self._is_upstream_full

    def _body_failed(self, problem: ProblemError) -> None:
        """A response that has begun goes on: the upstream did not need the rest."""
        if not self.status:
            self._end_by(problem.reply())

    def on_upstream_full(self) -> None:
        """The upstream receives less than is written."""
        self._is_upstream_full = True
        if self._state == SENDING:
            self._proxy.deadlines.start(self)

    def on_upstream_ready(self) -> None:
        """The write buffer has drained."""
        self._is_upstream_full = False
        attempt = self._attempt
        if self._state == SENDING and attempt is not None and not attempt.is_body_sent:
            self._proxy.deadlines.cancel(self)
            self._continue_body()

    # Relay the response

    def on_response(self, head: ResponseHead, body: bytes) -> None:
        """The whole response of the upstream, in one read."""
        if self._state == DONE:
            return
        self._send([self._response_head(head), body])
        self._completed()

    def on_headers(self, head: ResponseHead) -> None:
        """The head of the response, or of the 101 that was offered."""
        if self._state == DONE:
            return
        if head.status == 101:
            self._begin_switch(head)
        else:
            self._out = [self._response_head(head)]

    def _response_head(self, head: ResponseHead) -> bytes:
        proxy, request = self._proxy, self.request
        counters, attempt = proxy.counters, self._attempt
        self._state = RELAYING
        self._data_at = now = monotonic()
        self.upstream_seconds = seconds = now - self._forwarded_at
        counters.upstream_latency.add(seconds)
        counters.upstream_server_errors += head.status >= 500
        is_body_sent = attempt is not None and attempt.is_body_sent
        if attempt is not None:
            attempt.responded()
        ends_by_close = head.length is None and not request.has_http11 and head.status != 101
        self._is_chunked = head.length is None and not ends_by_close
        self._ends_by_close = ends_by_close
        self.status = head.status
        if head.status == 101:
            connection = _SWITCH_LINES
        else:
            self._keep_alive = is_body_sent and not ends_by_close and self._may_keep_alive()
            connection = self._connection_lines(self._keep_alive)
            if self._is_chunked:
                connection += _CHUNKED_LINES
        limits = replies.limit_lines(self._decision, proxy.options.ratelimit_headers)
        node_id = proxy.options.preflight.node_id
        return render_relayed_head(head, limits, connection, self.request_id, node_id, now=wall())

    def on_data(self, piece: Piece) -> None:
        """Content of the response."""
        self._data_bytes += len(piece)
        if self._is_chunked:
            self._out += (b"%x\r\n" % len(piece), piece, b"\r\n")
        else:
            self._out.append(piece)

    def on_idle(self) -> None:
        """All bytes of one read have been passed on, and the response is not complete."""
        if self._state != RELAYING or not self._out:
            return  # framing alone is no progress
        self._send(self._out)
        self._out = []
        now, size, self._data_bytes = monotonic(), self._data_bytes, 0
        if self._data_rate is None:
            min_rate = 0.0 if self._is_chunked or self._ends_by_close else MIN_BYTES_PER_SECOND
            self._data_rate = MinDataRate(self._proxy.options.upstream_timeout_seconds, min_rate)
        else:
            self._data_rate.on_wait(now - self._data_at, size)
        self._data_at = now
        if not self._is_client_full:
            self._await_data()

    def _await_data(self) -> None:
        self._proxy.deadlines.start(self, None if self._data_rate is None else self._data_rate.budget_seconds)

    def on_complete(self) -> None:
        """The response is complete."""
        if self._state == DONE:
            return
        if self._is_chunked:
            self._out.append(b"0\r\n\r\n")
        self._send(self._out)
        self._completed()

    def _completed(self) -> None:
        attempt = self._attempt
        self._is_complete = True
        if attempt is not None:
            self._count_response(attempt.address)
            # What is left of the response waits for the client alone.
            self._proxy.deadlines.cancel(self)
            self._attempt = None
            attempt.release()
        if not self._is_client_full:
            self._complete()

    def _count_response(self, address: UpstreamAddress) -> None:
        """A complete response, or a valid 101."""
        self._proxy.counters.upstream_answered += 1
        if address.trouble.reason:
            with self.log_context():
                address.trouble.worked(monotonic())

    def _complete(self) -> None:
        self._finish(Outcome.ADMITTED)
        self._client.response_done(keep_alive=self._keep_alive)

    # Failures of the upstream

    def on_error(self, error: UpstreamError) -> None:
        """The upstream's connection broke, or its response is invalid."""
        attempt = self._attempt
        if self._state == DONE or attempt is None:
            return
        if self.status:
            self._response_failed(attempt, error)
        else:
            self._attempt_failed(attempt, error)

    def on_timeout(self) -> None:
        """The upstream has made no progress for too long."""
        attempt = self._attempt
        if self._state == DONE or attempt is None:
            return
        seconds = self._proxy.options.upstream_timeout_seconds
        if self.status:
            drips = self._data_rate is not None and self._data_rate.budget_seconds < seconds
            self._response_failed(attempt, min_rate_error() if drips else TimeoutError())
        else:
            self._attempt_failed(attempt, TimeoutError())

    def _attempt_failed(self, attempt: UpstreamAttempt, error: UpstreamError | TimeoutError) -> None:
        """No byte of a response has come: retry where nothing is lost by it, else give up.

        A request may be sent again if no connection was made, or if it is idempotent, none of its content was
        sent and the connection broke. After a timeout it may still be executing.
        """
        connection, before_response = (
            attempt.connection,
            isinstance(error, UpstreamError) and error.before_response,
        )
        is_stale = connection is not None and connection.is_reused and before_response
        has_sent_body = attempt.body_bytes > 0 or self.request.simple_body_bytes > 0
        may_retry = connection is None or (
            before_response and self.request.is_idempotent and not has_sent_body
        )
        self._proxy.deadlines.cancel(self)
        if not is_stale or not may_retry:
            self._log_failure(attempt, error)
            self._tried = (*self._tried, attempt.address)
            if not is_stale:
                attempt.failed()
            addresses = self._upstreams[self._decision.upstream].addresses
            if not may_retry or len(self._tried) == len(addresses):
                self._proxy.counters.upstream_failed(error)
                self._end_by(replies.upstream_failed(error).reply())
                return
        self._proxy.counters.upstream_retried += 1
        self._is_upstream_full = False
        if is_stale and may_retry:
            attempt.drop_connection()
            self._connect(attempt, fresh=True)
        else:
            self._attempt = None
            attempt.release()
            self._try_next_address()

    def _response_failed(self, attempt: UpstreamAttempt, error: UpstreamError | TimeoutError) -> None:
        self._proxy.counters.upstream_failed(error)
        self._log_failure(attempt, error)
        self._send(self._out)
        self._break_response(by_reset=self._ends_by_close)

    def _log_failure(self, attempt: UpstreamAttempt, error: UpstreamError | TimeoutError) -> None:
        with self.log_context():
            attempt.address.failed(error, self._proxy.options.upstream_timeout_seconds)

    def on_total_timeout(self) -> None:
        """The whole request takes too long."""
        attempt = self._attempt
        if self._state == DONE:
            return
        try:
            self._out_of_time(attempt)
        except Exception as error:  # noqa: BLE001 - `fail` logs it
            self.fail(error)

    def _out_of_time(self, attempt: UpstreamAttempt | None) -> None:
        if self.status:
            self._break_response(by_reset=True)
        elif attempt is None or attempt.connection is None or attempt.is_body_sent:
            self._reply(replies.out_of_time(), Outcome.FAILED)
        else:
            self._reply(
                ProblemError(408, "The body took too long.").reply(), Outcome.FAILED, may_keep_alive=False
            )

    # The client

    @property
    def client_address(self) -> str:
        """See `PlaceHolder`."""
        return self.request.address

    def client_progress(self) -> int | None:
        """See `PlaceHolder`: the request waits for its client to send or receive content."""
        attempt = self._attempt
        is_receiving = self._is_client_full
        is_sending = attempt is not None and not attempt.is_body_sent and not self._is_upstream_full
        if not is_receiving and not is_sending:
            return None
        return self.bytes_in + self.bytes_out - self._client.unsent_bytes()

    def evict(self) -> None:
        """See `PlaceHolder`."""
        if self._state == DONE:
            return
        self._proxy.counters.upstream_gave_way += 1
        if self.status:
            self._break_response(by_reset=True)
        else:
            problem = ProblemError(408, "The body came too slowly while the service had no place for others.")
            self._reply(problem.reply(), Outcome.FAILED, may_keep_alive=False)

    def on_client_gone(self, *, by_peer: bool) -> None:
        """The client's connection is closed, `by_peer` or by the gateway."""
        if self._state == DONE:
            return
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
            self._finish("")
        else:
            self._finish(Outcome.ADMITTED if by_peer else Outcome.FAILED)

    def on_client_full(self) -> None:
        """The client receives less than is written."""
        self._is_client_full = True
        attempt = self._attempt
        if self._state != DONE and attempt is not None and attempt.connection is not None:
            attempt.connection.pause_reading()
            self._proxy.deadlines.cancel(self)

    def on_client_ready(self) -> None:
        """The write buffer has drained."""
        self._is_client_full = False
        attempt = self._attempt
        if self._state == DONE:
            return
        if self._is_complete:
            self._complete()
            return
        if attempt is None or attempt.connection is None:
            return
        if self._is_switching:
            self._switch(attempt)
            return
        attempt.connection.resume_reading()
        self._data_at = monotonic()
        if self.status or attempt.is_body_sent:
            self._await_data()

    # Upgrade to WebSocket

    def _begin_switch(self, head: ResponseHead) -> None:
        """A 101 goes on if it proves that the upstream speaks WebSocket with this client (RFC 6455 §4.1)."""
        key, attempt = self.request.handshake_key, self._attempt
        if attempt is None:
            return
        if key is None or not accepts(head, key):
            error = UpstreamError("its Sec-WebSocket-Accept is not for the client's key")
            attempt.responded()
            self._log_failure(attempt, error)
            self._proxy.counters.upstream_failed(error)
            self._end_by(replies.upstream_failed(error).reply())
            return
        self._proxy.deadlines.cancel(self)
        self._cancel_total_timer()
        self._send([self._response_head(head)])
        if self._state != RELAYING:
            return
        self._is_switching = self._is_client_full
        if not self._is_switching:
            self._switch(attempt)

    def _switch(self, attempt: UpstreamAttempt) -> None:
        """Both connections go on as a tunnel, which holds the places of the request until its end."""
        self._is_switching = False
        proxy, decision = self._proxy, self._decision
        counters = proxy.counters
        tunnel = Tunnel(proxy.options.tunnel_limits)
        to_upstream = self._client.detach(tunnel)
        if to_upstream is None:
            return
        try:
            to_client = attempt.detach(tunnel.upstream)
        except UpstreamError as error:
            counters.upstream_failed(error)
            tunnel.abort()
            self._finish(Outcome.FAILED)
            return
        self._count_response(attempt.address)
        counters.tunnels += 1
        self._attempt = None
        tunnel.at_end(attempt.release_detached)
        if decision.concurrency is not None:
            tunnel.at_end(lambda: proxy.admission.close(decision))
        tunnel.at_end(counters.tunnel_ended)
        tunnel.start(to_client=to_client, to_upstream=to_upstream)
        self._finish(Outcome.ADMITTED, is_tunnel=True)

    # The end

    def fail(self, error: BaseException) -> None:
        """An unexpected exception: log it and end the request."""
        with self.log_context():
            logger.error("a request failed", exc_info=error)
        if self._state != DONE:
            self._end_by(replies.internal_error(), may_keep_alive=False)

    def _end_by(self, reply: LocalReply, *, may_keep_alive: bool = True) -> None:
        """The request has failed: send the reply, or break off a response that has begun."""
        if self.status:
            self._break_response(by_reset=False)
        else:
            self._reply(reply, Outcome.FAILED, may_keep_alive=may_keep_alive)

    def _break_response(self, *, by_reset: bool) -> None:
        self._finish(Outcome.FAILED)
        self._client.response_broken(by_reset=by_reset)

    def _reply(self, reply: LocalReply, outcome: Outcome, *, may_keep_alive: bool = True) -> None:
        """Send a local reply, which ends the request."""
        keep_alive = may_keep_alive and self._may_keep_alive()
        if self.request.expects_continue and not self._client.is_body_complete():
            keep_alive = False  # the client may send its content or not, now that it is not wanted
        self.status = reply.status
        own = id_line(self.request_id) + self._connection_lines(keep_alive)
        self._send([render_local_reply(reply, own, head_only=self.request.method == "HEAD", now=wall())])
        self._finish(outcome)
        self._client.response_done(keep_alive=keep_alive)

    def _may_keep_alive(self) -> bool:
        return self.request.keep_alive and self._client.may_continue() and not self._proxy.is_draining()

    def _connection_lines(self, keep_alive: bool) -> bytes:
        if not keep_alive:
            return _CLOSE_LINES
        return b"" if self.request.has_http11 else _KEEP_ALIVE_LINES

    def _send(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self.bytes_out += len(piece)
        self._client.send(pieces)

    def log_context(self) -> RequestContext:
        """The request and client id for log lines within `with`."""
        context = RequestContext(self.request_id)
        context.client = self.client_id
        return context

    def _cancel_total_timer(self) -> None:
        if self._total_timer is not None:
            self._total_timer.cancel()
            self._total_timer = None

    def _finish(self, outcome: Outcome | Literal[""], *, is_tunnel: bool = False) -> None:
        """Release what the request holds, and count and log it, once."""
        if self._state == DONE:
            return
        self._state = DONE
        self.outcome = outcome
        proxy, decision, attempt = self._proxy, self._decision, self._attempt
        seconds = monotonic() - self.started_at
        if self._is_forwarded:
            self._cancel_total_timer()
            proxy.deadlines.cancel(self)
            self._attempt = None
            if attempt is not None:
                attempt.release()
        if decision.concurrency is not None and not is_tunnel:
            proxy.admission.close(decision)
        if decision.client is not None and not decision.admitted:
            proxy.rejections.append((self.request_id, decision, self.started_at))
        is_counted = decision.client is not None or outcome == Outcome.REFUSED
        proxy.counters.request_ended(
            outcome,
            self.client_id if is_counted else "",
            seconds if self._is_forwarded else None,
            refused=not decision.admitted,
            in_shadow=decision.in_shadow,
        )
        if proxy.access_log.is_on:
            proxy.access_log.log(self, seconds)
