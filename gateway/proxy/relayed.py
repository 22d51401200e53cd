"""The upstream's answers on their way to the client."""

from gateway.fields import Fields
from gateway.proxy.answer_body import AnswerBody
from gateway.proxy.answer_head import AnswerHead, fields_in, text_of
from gateway.proxy.date import date_field
from gateway.proxy.headers import block
from gateway.proxy.hops import via
from gateway.proxy.incoming import Incoming
from gateway.proxy.ratelimit_fields import beside
from gateway.proxy.request_id import id_field
from gateway.proxy.upstream_connection import OnInterim
from gateway.proxy.websocket import SWITCH


def head_to_client(
    head: AnswerHead,
    limits: Fields,
    connection: Fields,
    request_id: str,
    node_id: str,
    *,
    chunked: bool,
    now: float,
) -> bytes:
    """The head of an answer as it goes to the client at `now`, in seconds since 1970.

    `limits` are the fields that tell of them, `connection` those that say how the connection goes on.
    """
    passed = head.passed
    lowered = passed.lower()
    if b"ratelimit" in lowered:
        theirs, limits = beside(fields_in(passed), limits)
        passed = text_of(passed, theirs)
    added = [*limits, via(head.version, node_id), id_field(request_id), *connection]
    if b"\r\ndate: " not in lowered:
        added.insert(0, date_field(now))
    if chunked:
        added.append((b"Transfer-Encoding", b"chunked"))
    return passed + b"\r\n" + block(added)


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

    async def begin(self, limits: Fields, node_id: str, now: float) -> None:
        """Write the answer's head with the node's own fields, at `now` in seconds since 1970."""
        head = self._head
        framing = SWITCH if self.switches else self.incoming.connection_field(stays=self.stays)
        request_id = self.incoming.context.request_id
        data = head_to_client(head, limits, framing, request_id, node_id, chunked=self.chunked, now=now)
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
