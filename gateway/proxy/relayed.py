"""The upstream's answers on their way to the client."""

from functools import lru_cache

from gateway.fields import lines
from gateway.proxy.answer_body import AnswerBody
from gateway.proxy.answer_head import AnswerHead, fields_in, text_of
from gateway.proxy.date import date_line
from gateway.proxy.head import Version
from gateway.proxy.headers import CHUNKED
from gateway.proxy.hops import via
from gateway.proxy.incoming import Incoming
from gateway.proxy.ratelimit_fields import beside
from gateway.proxy.request_id import id_line
from gateway.proxy.upstream_connection import OnInterim
from gateway.proxy.websocket import SWITCH


def head_to_client(
    head: AnswerHead, limits: bytes, connection: bytes, request_id: str, node_id: str, *, now: float
) -> bytes:
    """The head of an answer as it goes to the client at `now`, in seconds since 1970.

    `limits` are the lines that tell of them, `connection` those that say how the body and then the connection
    go on.
    """
    passed = head.passed
    lowered = passed.lower()
    if lowered.find(b"ratelimit") >= 0:  # a third of what `in` takes, which tries a number first
        ours = fields_in(b"\r\n" + limits.removesuffix(b"\r\n")) if limits else []
        theirs, ours = beside(fields_in(passed), ours)
        passed, limits = text_of(passed, theirs), lines(ours)
    date = date_line(now) if lowered.find(b"\r\ndate: ") < 0 else b""
    return b"%b\r\n%b%b%b%b%b\r\n" % (
        passed,
        date,
        limits,
        _via(head.version, node_id),
        id_line(request_id),
        connection,
    )


@lru_cache(maxsize=8)
def _via(version: Version, node_id: str) -> bytes:
    return lines([via(version, node_id)])


class Relayed:
    """The upstream's answer, framed for this client (RFC 9112 §6)."""

    def __init__(self, incoming: Incoming, head: AnswerHead, body: AnswerBody, may_stay: bool) -> None:
        self.incoming = incoming
        self.body = body
        self._head = head
        self.switches = head.status == 101
        self._until_close = head.length is None and not incoming.speaks_1_1
        self.chunked = head.length is None and not self._until_close
        self.stays = may_stay and not self._until_close

    async def begin(self, limits: bytes, node_id: str, now: float) -> None:
        """Write the answer's head with the node's own fields, at `now` in seconds since 1970."""
        head = self._head
        framing = SWITCH if self.switches else self.incoming.connection_field(stays=self.stays)
        if self.chunked:
            framing = [*framing, CHUNKED]
        request_id = self.incoming.context.request_id
        data = head_to_client(head, limits, lines(framing), request_id, node_id, now=now)
        await self.incoming.begin(head.status, data)

    def break_off(self) -> None:
        """Let the client see that the rest is missing: where only the close ends the body, by a reset."""
        self.incoming.break_off(by_reset=self._until_close)


def passing_on(incoming: Incoming) -> OnInterim | None:
    """RFC 9110 §15.2: a proxy forwards interim answers, though none to HTTP/1.0."""
    if not incoming.speaks_1_1:
        return None

    def pass_on(head: AnswerHead) -> None:
        incoming.send_now(head.passed + b"\r\n\r\n")

    return pass_on
