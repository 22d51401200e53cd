"""Message heads on their way through: which fields go on, which are removed, which are added. No IO."""

from functools import lru_cache

from gateway.fields import Fields, RawHeaders, lines
from gateway.problems import Reply
from gateway.proxy.date import date_line
from gateway.proxy.field_lines import elements_of, values_of

HOP_BY_HOP = frozenset(
    {
        # RFC 9110 §7.6.1
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        # RFC 9110 §11.7: between a client and its nearest proxy
        b"proxy-authenticate",
        b"proxy-authorization",
        # RFC 9110 §6.6.2: announces trailers, which do not go on
        b"trailer",
    }
)
CLOSE: Fields = [(b"Connection", b"close")]
"""What says that the connection ends with this answer (RFC 9112 §9.6)."""

CHUNKED = b"Transfer-Encoding", b"chunked"
"""What says that a body comes in chunks (RFC 9112 §6.1)."""

OWN_IN_ANSWERS = HOP_BY_HOP | {b"x-request-id"}
"""What of an upstream's answer does not go on, besides what it names in Connection."""

_NEVER_NOMINATED = frozenset({b"host", b"content-length"})
"""A client that names these in Connection would change the message's meaning; they go on."""


def nominated(fields: RawHeaders) -> frozenset[bytes]:
    """The fields that ``Connection`` makes hop-by-hop (RFC 9110 §7.6.1), in lower case."""
    return frozenset(elements_of(values_of(fields, b"connection"))) - _NEVER_NOMINATED


def end_to_end(fields: RawHeaders, dropped: frozenset[bytes] = HOP_BY_HOP) -> Fields:
    """The fields that an intermediary passes on, in their order and as they came."""
    fields = tuple(fields)
    named = nominated(fields)
    if named:
        dropped |= named
    return [field for field in fields if field[0].lower() not in dropped]


def own_answer(reply: Reply, own: bytes, *, head_only: bool, now: float) -> bytes:
    """A whole answer of the node's own, with `own` lines in its head, at `now` in seconds since 1970."""
    start, rest = _written(reply)
    body = b"" if head_only else reply.body
    return b"%b%b%b%b\r\n%b" % (start, date_line(now), rest, own, body)


@lru_cache(maxsize=256)
def _written(reply: Reply) -> tuple[bytes, bytes]:
    """The parts of a reply's head around its date."""
    length = (b"Content-Length", b"%d" % len(reply.body))
    return b"HTTP/1.1 %d %b\r\n" % (reply.status, reply.reason), lines([*reply.fields, length])


def last_answer(reply: Reply, *, head_only: bool = False, now: float) -> bytes:
    """The same, behind which the connection closes."""
    return own_answer(reply, lines(CLOSE), head_only=head_only, now=now)
