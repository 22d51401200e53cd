"""A raw message of the corpus, and what must come of it."""

from dataclasses import dataclass
from enum import Enum, auto

HOST = b"Host: service.example\r\n"
KEY = b"X-API-Key: key-1\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + KEY
POST = b"POST / HTTP/1.1\r\n" + HOST + KEY
CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
"""Heads without the empty line at their end, but for CHUNKED, which chunks follow."""
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + KEY + b"\r\n"
"""A whole request, where none must be seen."""


class End(Enum):
    """What becomes of the connection behind the last request that is forwarded."""

    SERVED = auto()
    """Nothing is left to answer: all that was sent has been forwarded, or the connection was to close."""
    ANSWERED = auto()
    """As SERVED, but the first request is answered by the node itself, and the connection goes on."""
    REFUSED = auto()
    """By its head: not a byte of it goes on."""
    BROKEN = auto()
    """Refused in its body: its beginning may have gone on by then, but never as a whole request."""
    UNFINISHED = auto()
    """The client stops in the middle: there is no answer, and no whole request."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as an upstream sees it, in this much.

    `lines` are field lines that are there, byte for byte; `absent` names fields that are not, in lower case.
    """

    method: bytes
    target: bytes
    body: bytes
    lines: tuple[bytes, ...]
    absent: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes of a client on a new connection, and the verdict.

    All of `forwarded` is answered and seen by the upstream, once and in this order. Where the end is REFUSED
    or BROKEN an answer with `status` follows, the node's own, and the connection closes; where it is
    ANSWERED one comes before.
    """

    name: str
    sent: bytes
    forwarded: tuple[Seen, ...]
    end: End
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Cases of one kind, with the rule or the publication that they come from."""

    name: str
    source: str
    cases: tuple[Case, ...]


def seen(
    target: bytes = b"/",
    *,
    method: bytes = b"GET",
    body: bytes = b"",
    lines: tuple[bytes, ...] = (),
    absent: tuple[bytes, ...] = (),
) -> Seen:
    """What arrives: by default a GET without a body."""
    return Seen(method, target, body, lines, absent)


def posted(body: bytes = b"", *lines: bytes, absent: tuple[bytes, ...] = ()) -> Seen:
    """What arrives of a POST to ``/``."""
    return Seen(b"POST", b"/", body, lines, absent)


def passes(name: str, sent: bytes, *forwarded: Seen) -> Case:
    """A case of which every request goes on."""
    return Case(name, sent, forwarded or (seen(),), End.SERVED)


def answered(status: int, name: str, sent: bytes, rest: bytes, *forwarded: Seen) -> Case:
    """A case whose first request goes no further than the node, and what follows it does."""
    return Case(name, sent + rest, forwarded, End.ANSWERED, status)


def refused(status: int, name: str, sent: bytes, *forwarded: Seen) -> Case:
    """A case that ends in a head that is refused."""
    return Case(name, sent, forwarded, End.REFUSED, status)


def broken(status: int, name: str, sent: bytes, *forwarded: Seen) -> Case:
    """A case that ends in a body that breaks."""
    return Case(name, sent, forwarded, End.BROKEN, status)


def unfinished(name: str, sent: bytes, *forwarded: Seen) -> Case:
    """A case that ends in the middle of a request."""
    return Case(name, sent, forwarded, End.UNFINISHED)
