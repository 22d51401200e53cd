"""The answer to a request of the fast lane: sent, counted once, and told to the access log."""

import asyncio
import logging
from abc import abstractmethod
from typing import Literal

from gateway import replies
from gateway.bills import Bill
from gateway.clock import monotonic, wall
from gateway.decisions import Decision
from gateway.fields import lines
from gateway.problems import Reply
from gateway.proxy.access_log import AccessLog
from gateway.proxy.answers import Piece
from gateway.proxy.begun import Begun
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.headers import CLOSE, own_answer
from gateway.proxy.plain import PlainRequest
from gateway.proxy.request_id import id_line
from gateway.proxy.shared import Shared
from gateway.request_context import RequestContext
from gateway.telemetry.counters import Outcome

STAYS, CLOSES = b"", lines(CLOSE)
"""What says whether the connection goes on."""

_NOT_YET = Decision(admitted=False)

logger = logging.getLogger(__name__)


class FastClient(asyncio.Protocol):
    """The connection that a request came by. No `Protocol`: what is compiled calls a class more directly."""

    __slots__ = ("is_trusted", "peer", "scheme")

    peer: str
    """The address at the other end."""
    scheme: bytes
    """By which it came: http or https."""
    is_trusted: bool
    """Whether the peer is a trusted proxy."""

    @abstractmethod
    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""

    @abstractmethod
    def send(self, pieces: list[Piece]) -> None:
        """Send them to the client, as one."""

    @abstractmethod
    def fast_ended(self, *, stays: bool) -> None:
        """The answer has gone out: whether another request may follow."""

    @abstractmethod
    def fast_broke(self, *, by_reset: bool) -> None:
        """There is no whole answer, and the client must see that."""

    @abstractmethod
    def fast_left(self, data: bytes, begun: Begun) -> None:
        """The other lane is to serve the request of these bytes, from where it is."""


class Lane:
    """What all requests of the fast lane go through. A class for the same reason."""

    __slots__ = ("access_log", "deadlines", "shared")

    shared: Shared
    access_log: AccessLog
    deadlines: Deadlines


class FastAnswer:
    """What a request of the fast lane gets in the end, whoever it is from."""

    # What few requests need stands in the class; slots that are set on each instance were no faster.
    _decision = _NOT_YET
    _is_forwarded = False
    """Whether something of an upstream belongs to it."""
    _client_id = ""
    _status = 0
    _bytes_out = 0
    _store_seconds: float | None = None
    _upstream_seconds: float | None = None

    def __init__(
        self,
        plain: PlainRequest,
        request_id: str,
        began: float,
        client: FastClient,
        lane: Lane,
        bill: Bill | Decision | Exception,
    ) -> None:
        """The request came at monotonic `began`; `bill` may be why there is none."""
        self._plain = plain
        self._request_id = request_id
        self._began = began
        self._client = client
        self._lane = lane
        self._bill = bill
        self._shared = shared = lane.shared
        self._upstreams = shared.upstreams.current  # of the policies that decide, also later

    @abstractmethod
    def _let_go(self, *, in_order: bool) -> None:
        """Give back what belongs to an upstream."""

    def _fail(self) -> None:
        """After a fault of ours."""
        with self._context():
            logger.exception("a request failed")
        self._end_by(replies.failed_here())

    def _end_by(self, reply: Reply, *, by_reset: bool = False) -> None:
        """It has failed: say so, or where an answer has begun, break that off."""
        if self._status:
            self._end(Outcome.FAILED)
            self._client.fast_broke(by_reset=by_reset)
        else:
            self._answer(reply, Outcome.FAILED)

    def _context(self) -> RequestContext:
        """For whatever is logged in its course."""
        context = RequestContext(self._request_id)
        context.client = self._client_id
        return context

    def _may_stay(self) -> bool:
        return self._client.may_go_on() and not self._shared.is_draining()

    def _answer(self, reply: Reply, outcome: Outcome) -> None:
        """Answer by the node itself."""
        stays = self._may_stay()
        self._status = reply.status
        own = id_line(self._request_id) + (STAYS if stays else CLOSES)
        self._send([own_answer(reply, own, head_only=self._plain.is_head, now=wall())])
        self._end(outcome)
        self._client.fast_ended(stays=stays)

    def _send(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            self._bytes_out += len(piece)
        self._client.send(pieces)

    def _end(self, outcome: Outcome | Literal[""], *, in_order: bool = False) -> None:
        """Count it, and give back what it holds."""
        counters, decision = self._shared.counters, self._decision
        if self._is_forwarded:
            self._let_go(in_order=in_order)
            counters.latency.add(monotonic() - self._began)
        counters.in_flight -= 1
        if outcome:
            counters.messages[outcome] += 1
        if decision.client is not None:
            counters.clients.count(decision.client, refused=not decision.admitted)
            counters.shadow_refused += decision.in_shadow
            if not decision.admitted:
                self._shared.refusals.append((self._request_id, decision, self._began))
        if decision.concurrency is not None:
            self._shared.admission.close(decision)
        if self._lane.access_log.is_on:
            self._tell(outcome)

    def _tell(self, outcome: str) -> None:
        plain = self._plain
        with self._context() as context:
            context.outcome = outcome
            context.status = self._status
            context.store_seconds = self._store_seconds
            context.upstream_seconds = self._upstream_seconds
            self._lane.access_log.tell(
                context,
                address=plain.address,
                method=plain.method,
                target=plain.target,
                bytes_in=len(plain.body),
                bytes_out=self._bytes_out if self._status else 0,
                seconds=monotonic() - self._began,
            )
