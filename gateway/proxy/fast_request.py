"""One request of the fast lane, from its decision to the end of its answer, by plain calls.

A hot path: a task with its futures costs 10 µs a request, aiohttp's server 30 more. `Handler` is its plain
twin and takes over whatever is not as usual; the tests hold the two to each other.
"""

import asyncio

from gateway import replies
from gateway.admission import Asked
from gateway.bills import Bill
from gateway.clock import monotonic, wall
from gateway.decisions import Decided, Decision, Undecided
from gateway.fields import lines
from gateway.proxy.answer_body import TooSlow
from gateway.proxy.answer_head import AnswerHead
from gateway.proxy.answers import Piece
from gateway.proxy.begun import Begun, Tried
from gateway.proxy.exchange import IDEMPOTENT
from gateway.proxy.fast_answer import CLOSES, STAYS, FastAnswer
from gateway.proxy.headers import CHUNKED
from gateway.proxy.pace import LEAST_BYTES_PER_SECOND, Pace
from gateway.proxy.relayed import head_to_client
from gateway.proxy.turning_away import turn_away
from gateway.proxy.upstream_address import UpstreamAddress
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from gateway.telemetry.counters import Outcome

_CHUNKED = lines([CHUNKED])


class FastRequest(FastAnswer):
    """Is told of its decision, then of the upstream's answer; `abandon` ends it where its client has left."""

    _asked: Asked | None = None
    _address: UpstreamAddress | None = None
    _connection: UpstreamConnection | None = None
    _came = 0
    _pace: Pace | None = None
    _timer: asyncio.TimerHandle | None = None
    _heard: float
    _is_chunked: bool
    _is_held = False
    """Whether the client takes less than comes, so that no more is read."""
    _is_whole = False
    _out: list[Piece]
    """What has come of the answer, and goes to the client when all that was read has been told."""
    _sent: float
    _stays: bool

    def begin(self) -> None:
        """Have it decided, if there is anything to decide."""
        self._shared.counters.in_flight += 1
        bill = self._bill
        try:
            if isinstance(bill, Bill):
                asked = self._shared.admission.count(bill, self.decided)
                if isinstance(asked, Asked):
                    self._asked = asked
                else:
                    self._act(asked)
            elif isinstance(bill, Decision):
                self._act(bill)
            else:
                self._turn_away(bill)
        except Undecided as reason:
            self._turn_away(reason)
        except Exception:  # noqa: BLE001 - it is logged there
            self._fail()

    def decided(self, decided: Decided) -> None:
        """Go on, now that it is known whether it may."""
        self._asked = None
        try:
            if isinstance(decided, Decision):
                self._act(decided)
            else:
                self._turn_away(decided)
        except Exception:  # noqa: BLE001 - it is logged there
            self._fail()

    def _turn_away(self, reason: Exception) -> None:
        outcome, self._client_id, reply = turn_away(reason, self._shared.counters)
        if isinstance(reason, Undecided):
            self._store_seconds = monotonic() - self._began
        self._answer(reply, outcome)

    def _act(self, decision: Decision) -> None:
        self._decision = decision
        now = monotonic()
        if decision.client is not None:
            self._client_id = decision.client
        if decision.meters:
            self._store_seconds = now - self._began
        if not decision.admitted:
            reply = replies.refused(decision, self._shared.options.ratelimit_headers)
            self._answer(reply, Outcome.REFUSED)
            return
        upstream = self._upstreams[decision.upstream]
        address = upstream.only or upstream.pick(now)
        connection = None if address is None or address.absence.failures else address.take_kept()
        if address is None or connection is None:
            self._leave_to_the_other()  # which makes a connection
        else:
            upstream.took(address)
            self._forward(address, connection, now)

    def _forward(self, address: UpstreamAddress, connection: UpstreamConnection, now: float) -> None:
        """Send it over a connection that was kept."""
        plain, options = self._plain, self._shared.options
        self._address, self._connection, self._sent = address, connection, now
        self._is_forwarded = True
        self._lane.deadlines.begin(self)
        if options.request_seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(options.request_seconds, self._out_of_time)
        data = plain.going_on(options.onward.named_lines(self._request_id, self._client_id))
        connection.start(data, self, has_answer_body=not plain.is_head, on_interim=self._pass_on)

    def _pass_on(self, head: AnswerHead) -> None:
        self._send([head.passed, b"\r\n\r\n"])

    def answer_whole(self, head: AnswerHead, body: bytes) -> None:
        """The upstream's answer is there."""
        try:
            self._send([self._head_out(head), body])
            self._answered()
        except Exception:  # noqa: BLE001 - it is logged there
            self._fail()

    def answer_began(self, head: AnswerHead) -> None:
        """The upstream's answer has a head: it goes on."""
        try:
            self._out = [self._head_out(head)]
        except Exception:  # noqa: BLE001 - it is logged there
            self._fail()

    def _head_out(self, head: AnswerHead) -> bytes:
        """The head that goes to the client."""
        shared, counters, address = self._shared, self._shared.counters, self._address
        self._heard = monotonic()
        self._upstream_seconds = seconds = self._heard - self._sent
        counters.upstream_latency.add(seconds)
        counters.upstream_server_errors += head.status >= 500
        if address is not None and address.absence.failures:
            address.absence.worked()
        self._status = head.status
        self._stays = self._may_stay()
        connection = STAYS if self._stays else CLOSES
        self._is_chunked = head.length is None
        if self._is_chunked:
            connection += _CHUNKED
        limits = replies.limit_lines(self._decision, shared.options.ratelimit_headers)
        node_id = shared.options.entrance.node_id
        return head_to_client(head, limits, connection, self._request_id, node_id, now=wall())

    def answer_came(self, piece: Piece) -> None:
        """A piece of its body goes on."""
        self._came += len(piece)
        if self._is_chunked:
            self._out += (b"%x\r\n" % len(piece), piece, b"\r\n")
        else:
            self._out.append(piece)

    def answer_waits(self) -> None:
        """There is more of it to come: not too slowly, and not too late."""
        if not self._status:
            return  # not even its head is whole
        if not self._out:
            return  # framing alone is no sign of life
        self._send(self._out)
        self._out = []
        now, came, self._came = monotonic(), self._came, 0
        if self._pace is None:
            least = 0.0 if self._is_chunked else LEAST_BYTES_PER_SECOND
            self._pace = Pace(self._shared.options.upstream_timeout_seconds, least)
        else:
            self._pace.waited(now - self._heard, came)
        self._heard = now
        if not self._is_held:
            self._await_more()

    def _await_more(self) -> None:
        """For as long as an upstream may be silent, or for less where it has used that up."""
        self._lane.deadlines.begin(self, None if self._pace is None else self._pace.patience_seconds)

    def answer_ended(self) -> None:
        """All of it has."""
        if self._is_chunked:
            self._out.append(b"0\r\n\r\n")
        self._send(self._out)
        self._answered()

    def _answered(self) -> None:
        self._shared.counters.upstream_answered += 1
        if self._address is not None and self._address.trouble.reason:
            with self._context():  # which is told with it
                self._address.trouble.worked(monotonic())
        self._is_whole = True
        if not self._is_held:
            self._finish()

    def _finish(self) -> None:
        self._end(Outcome.ADMITTED, in_order=True)
        self._client.fast_ended(stays=self._stays)

    def answer_broke(self, error: UpstreamError) -> None:
        """The upstream broke the connection, or spoke nonsense."""
        if error.untouched and self._plain.method in IDEMPOTENT and not self._plain.body:
            # It closed a kept connection just then.
            self._shared.counters.upstream_retried += 1
            tried = None if self._address is None else Tried(self._address, self._sent)
            self._let_go(in_order=False)
            self._leave_to_the_other(tried)
            return
        self._lose(error, is_stale=error.untouched)

    def answer_late(self) -> None:
        """The upstream has been silent for too long."""
        seconds = self._shared.options.upstream_timeout_seconds
        drips = self._pace is not None and self._pace.patience_seconds < seconds
        self._lose(TooSlow() if drips else TimeoutError(), is_stale=False)

    def _lose(self, error: UpstreamError | TimeoutError, *, is_stale: bool) -> None:
        self._shared.counters.upstream_failed(error)
        address = self._address
        if address is not None:
            with self._context():
                address.failed(error, self._shared.options.upstream_timeout_seconds)
            if not (is_stale or self._status):
                address.absence.failed(monotonic())
        if self._status:
            self._send(self._out)
        self._end_by(replies.upstream_failed(error).reply())

    def _out_of_time(self) -> None:
        """The whole of it takes too long."""
        self._end_by(replies.out_of_time(), by_reset=True)

    def abandon(self, *, has_left: bool) -> None:
        """Its connection is gone: its client has left, or it was taken down."""
        if self._asked is not None:
            self._asked.leave()
            self._asked = None
            self._end("")
        else:
            self._end(Outcome.ADMITTED if has_left else Outcome.FAILED)

    def pause(self) -> None:
        """The client takes less than is sent."""
        if self._connection is not None:
            self._connection.pause_reading()
            self._lane.deadlines.end(self)
            self._is_held = True

    def resume(self) -> None:
        """It takes more again."""
        if self._connection is not None:
            self._connection.resume_reading()
            self._is_held = False
            self._heard = monotonic()
            if self._is_whole:
                self._finish()
            else:
                self._await_more()

    def _leave_to_the_other(self, tried: Tried | None = None) -> None:
        self._shared.counters.in_flight -= 1
        decided = self._decision, self._store_seconds
        begun = Begun(self._request_id, self._began, *decided, self._upstreams, tried)
        self._client.fast_left(self._plain.data, begun)

    def _let_go(self, *, in_order: bool) -> None:
        address, connection = self._address, self._connection
        if address is None or connection is None:
            return
        self._address = self._connection = None
        self._is_forwarded = False
        self._lane.deadlines.end(self)
        if self._timer is not None:
            self._timer.cancel()
        address.busy -= 1
        address.release(connection, in_order=in_order)
