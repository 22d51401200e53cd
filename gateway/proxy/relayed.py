"""The upstream's answers on their way to the client."""

from functools import lru_cache

from gateway.fields import lines
from gateway.proxy.answer_head import AnswerHead, fields_in, text_of
from gateway.proxy.date import date_line
from gateway.proxy.head import Version
from gateway.proxy.hops import via
from gateway.proxy.ratelimit_fields import beside
from gateway.proxy.request_id import id_line


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
