"""Heads of responses: a parsed one, and the heads for the client. Only this module writes status lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway.http.fields import CLOSE, Fields, Version, render_fields
from gateway.http.forwarded import via
from gateway.http.request_id import id_line

SWITCHING = 101


def status_line(status: int, reason: bytes) -> bytes:
    """The first line of a response (RFC 9112 §4), without its end."""
    return b"HTTP/1.1 %d %b" % (status, reason)


CONTINUE: Final = status_line(100, b"Continue") + b"\r\n\r\n"
"""RFC 9110 §15.2.1."""


@dataclass(slots=True, init=False)  # one per request: see CONTRIBUTING, "What is compiled"
class ResponseHead:
    """A response's head.

    `text` has its lines in HTTP/1.1, without the empty one: fields as they were sent, without the space
    around values, and without a Content-Length that must not be there (RFC 9110 §8.6). `end_to_end_text` has
    the status line and the end-to-end fields only. `length` is the body's in bytes, None if the last chunk
    (`chunked`) or the end of the connection ends it (RFC 9112 §6.3).
    """

    version: tuple[int, int]
    status: int
    text: bytes
    end_to_end_text: bytes
    length: int | None
    chunked: bool
    keep_alive: bool

    def __init__(
        self,
        version: tuple[int, int],
        status: int,
        text: bytes,
        end_to_end_text: bytes,
        length: int | None,
        *,
        chunked: bool,
        keep_alive: bool,
    ) -> None:
        self.version = version
        self.status = status
        self.text = text
        self.end_to_end_text = end_to_end_text
        self.length = length
        self.chunked = chunked
        self.keep_alive = keep_alive

    @property
    def is_interim(self) -> bool:
        """Whether another head follows, the final one (RFC 9110 §15.2)."""
        return self.status < 200 and self.status != SWITCHING

    @property
    def fields(self) -> Fields:
        """The fields of the text."""
        return fields_in(self.text)


def fields_in(text: bytes) -> Fields:
    """The fields of a head's text; see `ResponseHead`."""
    _, *lines = text.split(b"\r\n")
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


def text_of(start: bytes, fields: Fields) -> bytes:
    """A head's text (see `ResponseHead`) with the first line of `start` and these fields."""
    line, _, _ = start.partition(b"\r\n")
    return b"\r\n".join([line, *(b"%b: %b" % field for field in fields)])


def date_line(now: float) -> bytes:
    """The Date field (RFC 9110 §6.6.1) at `now`, in seconds since 1970."""
    return _line(int(now))


@lru_cache(maxsize=2)
def _line(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()


@dataclass(frozen=True, slots=True, eq=False)
class LocalReply:
    """A whole response of the gateway itself, which may be sent many times."""

    status: int
    fields: Fields
    body: bytes

    @property
    def reason(self) -> bytes:
        """The reason phrase of the status."""
        return HTTPStatus(self.status).phrase.encode()


class ProblemError(Exception):
    """Ends a request with a local reply. `detail` is for the client and names no internals."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def reply(self) -> LocalReply:
        """The response."""
        return problem(self.status, self.detail)


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    fields: Fields | None = None,
    **members: object,
) -> LocalReply:
    """An ``application/problem+json`` response (RFC 9457 §3)."""
    document = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return LocalReply(
        status,
        [
            (b"Content-Type", b"application/problem+json"),
            (b"Cache-Control", b"no-store"),
            *(fields or []),
        ],
        json.dumps(document).encode() + b"\n",
    )


_LISTS = frozenset({b"ratelimit-policy", b"ratelimit"})
_LEGACY = b"x-ratelimit-"
_UPSTREAM = b"upstream/"
"""Precedes an upstream's policy name that equals one of ours; none of ours begins so."""

# RFC 9651 §3.3: integers and decimals, strings, tokens, byte sequences, booleans, dates, display strings
_BARE = (
    rb'(?:-?[0-9]{1,15}(?:\.[0-9]{1,3})?|"(?:[ !#-\[\]-~]|\\["\\])*"'
    rb"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{1,15}"
    rb'|%"(?:[ !#$&-~]|%[0-9a-f]{2})*")'
)
_PARAMETERS = rb"(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=%b)?)*" % _BARE
_ITEM = _BARE + _PARAMETERS
_INNER_LIST = rb"\([ ]*(?:%b(?:[ ]+%b)*[ ]*)?\)%b" % (_ITEM, _ITEM, _PARAMETERS)
_MEMBER = re.compile(rb"(%b|%b)(?:[ \t]*,[ \t]*(?!\Z)|\Z)" % (_ITEM, _INNER_LIST))
_NAME = re.compile(rb'"(?:[ !#-\[\]-~]|\\["\\])*"')


def merge_ratelimit_fields(theirs: Fields, ours: Fields) -> tuple[Fields, Fields]:
    """Merge the upstream's RateLimit fields into ours: what is left of theirs, and ours with their members.

    draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy`` and ``RateLimit`` are structured lists
    (RFC 9651 §3.1). A client drops the whole list if a part of it is malformed. Ours come first. Other fields
    in `ours` stay as they are.
    """
    names = {name.lower() for name, _ in ours}
    if not any(b"ratelimit" in name.lower() for name, _ in theirs):
        return theirs, ours
    own_policies = frozenset(name for name in map(_name_of, _members(ours)) if name)
    taken = {name: _renamed_members(theirs, name, own_policies) for name in names & _LISTS}
    is_legacy = any(name.startswith(_LEGACY) for name in names)
    left = [
        (name, value)
        for name, value in theirs
        if name.lower() not in taken and not (is_legacy and name.lower().startswith(_LEGACY))
    ]
    return left, [(name, b", ".join([value, *taken.get(name.lower(), ())])) for name, value in ours]


def _renamed_members(theirs: Fields, wanted: bytes, own_policies: frozenset[bytes]) -> list[bytes]:
    value = b", ".join(value for name, value in theirs if name.lower() == wanted and value)
    return [_renamed(member, own_policies) for member in members_of(value) or []]


def _members(fields: Fields) -> Iterator[bytes]:
    for name, value in fields:
        if name.lower() in _LISTS:
            yield from members_of(value) or []


def members_of(value: bytes) -> list[bytes] | None:
    """The members of a structured list, unchanged; None if it is malformed (RFC 9651 §4.2.1)."""
    members, position, value = [], 0, value.strip(b" ")
    while position < len(value):
        member = _MEMBER.match(value, position)
        if member is None:
            return None
        members.append(member[1])
        position = member.end()
    return members


def _name_of(member: bytes) -> bytes | None:
    name = _NAME.match(member)
    return None if name is None else name[0]


def _renamed(member: bytes, own_policies: frozenset[bytes]) -> bytes:
    return b'"' + _UPSTREAM + member[1:] if _name_of(member) in own_policies else member


def render_local_reply(reply: LocalReply, own: bytes, *, head_only: bool, now: float) -> bytes:
    """A whole local reply, with the lines `own` in its head, at `now` in seconds since 1970."""
    start, rest = _head_parts(reply)
    body = b"" if head_only else reply.body
    return b"%b%b%b%b\r\n%b" % (start, date_line(now), rest, own, body)


@lru_cache(maxsize=256)
def _head_parts(reply: LocalReply) -> tuple[bytes, bytes]:
    """The parts of a reply's head before and after its date."""
    length = (b"Content-Length", b"%d" % len(reply.body))
    return status_line(reply.status, reply.reason) + b"\r\n", render_fields([*reply.fields, length])


def render_last_reply(reply: LocalReply, *, head_only: bool = False, now: float) -> bytes:
    """A whole local reply after which the connection closes."""
    return render_local_reply(reply, render_fields(CLOSE), head_only=head_only, now=now)


def render_relayed_head(
    head: ResponseHead, limits: bytes, connection: bytes, request_id: str, node_id: str, *, now: float
) -> bytes:
    """The head of an upstream's response for the client at `now`, in seconds since 1970.

    `limits` are the lines of the RateLimit fields, `connection` those of the framing and the connection.
    """
    text = head.end_to_end_text
    lowered = text.lower()
    if lowered.find(b"ratelimit") >= 0:  # `in` takes three times as long: it tries a number first
        ours = fields_in(b"\r\n" + limits.removesuffix(b"\r\n")) if limits else []
        theirs, ours = merge_ratelimit_fields(fields_in(text), ours)
        text, limits = text_of(text, theirs), render_fields(ours)
    date = date_line(now) if lowered.find(b"\r\ndate: ") < 0 else b""
    return b"%b\r\n%b%b%b%b%b\r\n" % (
        text,
        date,
        limits,
        _via(head.version, node_id),
        id_line(request_id),
        connection,
    )


@lru_cache(maxsize=8)
def _via(version: Version, node_id: str) -> bytes:
    return render_fields([via(version, node_id)])
