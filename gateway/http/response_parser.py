"""An incremental, strict parser of upstream responses (RFC 9112).

A response that two recipients could read differently is invalid."""

import math
import re
from collections.abc import Mapping

from gateway.http.chunked import ChunkError, ChunkReader
from gateway.http.fields import (
    NOT_RELAYED,
    TOKEN_PATTERN,
    FieldError,
    Fields,
    end_to_end,
    field_values,
    invalid_bytes,
    list_elements,
    parse_field_line,
)
from gateway.http.response_head import SWITCHING, ResponseHead, status_line, text_of

MAX_FIELD_BYTES = 65536
MAX_FIELDS = 512
MAX_HEAD_BYTES = 131072
"""Larger than for clients: the upstream is the operator's own service."""
RESET_CONTENT = 205
BODILESS = frozenset({204, 304})

# RFC 9112 §4; many servers omit the space before an empty reason, which is harmless
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t \x21-\x7e\x80-\xff]*))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class InvalidResponseError(ValueError):
    """Not an HTTP/1.1 response, or one that two recipients could read differently."""


def parse_response_head(data: bytes, *, has_body: bool = True) -> ResponseHead:
    """Parse a head, without the empty line at its end.

    Args:
        has_body: False for the response to HEAD, which has no body (RFC 9112 §6.3).

    Raises:
        InvalidResponseError: the message is the reason.
    """
    if len(data) > MAX_HEAD_BYTES:
        raise InvalidResponseError(f"a head of more than {MAX_HEAD_BYTES} bytes")
    check_bytes(data + b"\r\n", 0)
    line, *lines = data.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise InvalidResponseError("a status line that is none")
    version, status = (1, int(match[1])), int(match[2])
    fields = _fields(lines)
    length, chunked = _framing(fields, version)
    if not has_body or status < 200 or status in BODILESS:
        length, chunked = 0, False
    if status == RESET_CONTENT and length:
        raise InvalidResponseError("content with status 205")  # RFC 9110 §15.3.6: clients read on without it
    if status < 200 or status == 204:
        fields = [field for field in fields if field[0].lower() != b"content-length"]
    start = status_line(status, match[3] or b"")
    return ResponseHead(
        version,
        status,
        text_of(start, fields),
        text_of(start, end_to_end(fields, NOT_RELAYED)),
        length,
        chunked=chunked,
        keep_alive=version == (1, 1)
        and (chunked or length is not None)
        and b"close" not in list_elements(field_values(fields, b"connection")),
    )


def check_bytes(data: bytes, start: int) -> None:
    """Check a part of a head from `start` on.

    Raises:
        InvalidResponseError: it has bytes that no head may hold.
    """
    if invalid_bytes(data, start) is not None:
        raise InvalidResponseError("a control character, a lone CR or LF, or a folded line in the head")


def _fields(lines: list[bytes]) -> Fields:
    if len(lines) > MAX_FIELDS:
        raise InvalidResponseError(f"more than {MAX_FIELDS} fields")
    if any(len(line) > MAX_FIELD_BYTES for line in lines):
        raise InvalidResponseError(f"a field of more than {MAX_FIELD_BYTES} bytes")
    try:
        return [parse_field_line(line) for line in lines]
    except FieldError:
        raise InvalidResponseError("a field line that is none") from None


def _framing(fields: Fields, version: tuple[int, int]) -> tuple[int | None, bool]:
    """The body's length, and whether it is chunked (RFC 9112 §6.3)."""
    codings = field_values(fields, b"transfer-encoding")
    lengths = field_values(fields, b"content-length")
    if codings:
        if lengths:
            raise InvalidResponseError("both Content-Length and Transfer-Encoding")
        if version == (1, 0) or [coding.lower() for coding in codings] != [b"chunked"]:
            raise InvalidResponseError("a transfer coding other than chunked, or in HTTP/1.0")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0]) is None:
        raise InvalidResponseError("a Content-Length that is not one whole number")
    return int(lengths[0]), False


_VERSION = 1, 1
# Written as by most servers and by the node: one space, then a value with no space around it
_COMMON = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t \x21-\x7e\x80-\xff]*+"
    rb"(?:\r\n%b+: [\x21-\x7e\x80-\xff][\t \x21-\x7e\x80-\xff]*+(?<![\t ])){0,%d}+"
    % (TOKEN_PATTERN, MAX_FIELDS)
)
_INTERPRETED = re.compile(
    rb"\r\n(%b): ([^\r]*)" % b"|".join(sorted(NOT_RELAYED | {b"content-length", b"close"}))
)
_CLOSES, _CHUNKED = 1, 2
_MEANINGS: Mapping[bytes, Mapping[bytes, int]] = {
    b"connection": {b"keep-alive": 0, b"close": _CLOSES},
    b"transfer-encoding": {b"chunked": _CHUNKED},
    b"close": {},  # Connection nominates it as a field, too
}
"""The common values of these fields, each at most once, and their flags."""


def parse_common_head(text: bytes, *, has_body: bool) -> ResponseHead | None:
    """As `parse_response_head`, for a head in the common form; None for any other, valid or not.

    Hot path: the full parser takes five times as long (`make bench`).
    """
    match = _COMMON.fullmatch(text) if len(text) <= MAX_FIELD_BYTES else None
    if match is None:
        return None
    end_to_end_text, removed = text, 0
    length: int | None = None
    flags = 0
    for line in _INTERPRETED.finditer(text.lower()):
        name, value = line.groups()
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 18:
                return None
            length = int(value)
            continue
        if name in _MEANINGS:
            meaning = _MEANINGS[name].get(value)
            if meaning is None or meaning & flags:
                return None
            flags |= meaning
        end_to_end_text = end_to_end_text[: line.start() - removed] + end_to_end_text[line.end() - removed :]
        removed = len(text) - len(end_to_end_text)
    status, chunked = int(match[1]), bool(flags & _CHUNKED)
    if length is not None and (chunked or status == 204 or (status == RESET_CONTENT and length)):
        return None
    if status in BODILESS or not has_body:
        length, chunked = 0, False
    keep_alive = not flags & _CLOSES and (chunked or length is not None)
    return ResponseHead(
        _VERSION, status, text, end_to_end_text, length, chunked=chunked, keep_alive=keep_alive
    )


MAX_INTERIM = 16
"""Interim heads before the final one."""

LARGE_BYTES = 32768
"""From this size on, content received with the head is not copied: 32 KiB take 0.5 µs, 256 KiB 20."""

Piece = bytes | memoryview
"""A part of a body as it was received; not empty."""

_END = b"\r\n\r\n"
_START = b"HTTP/1."


class ResponseParser:
    """An incremental parser of the response to one request.

    `head` is the final head, once it is complete. `rest` has the bytes after a response that has `ended`:
    after a 101 those of the other protocol, else unexpected ones.
    """

    # No slots but class defaults: nearly all responses set the first two only.
    head: ResponseHead | None = None
    ended = False
    rest: bytes = b""
    _partial_head: bytearray | None = None
    _interim = 0
    _missing: int | None = None
    _chunks: ChunkReader | None = None

    def __init__(self, *, has_body: bool = True, upgrade: bytes = b"") -> None:
        """`upgrade` is the protocol that the request offered to switch to, in lower case; b"" is none."""
        self._has_body = has_body
        self._upgrade = upgrade

    def feed(self, data: bytes) -> list[ResponseHead | Piece]:
        """Parse more bytes into the heads and the pieces of the body that they complete.

        Raises:
            InvalidResponseError: nothing more can be parsed.
        """
        events: list[ResponseHead | Piece] = []
        if self.head is None and not self._partial_head:
            data = self._feed_common_head(data, events)
        if self.head is None:
            data = self._feed_heads(data, events)
        if self.head is not None and data:
            self._feed_body(data, events)
        return events

    def feed_eof(self) -> None:
        """Handle the end of the connection.

        Raises:
            InvalidResponseError: the response is incomplete.
        """
        if self.ended:
            return
        if self.head is None or self.head.length is not None or self.head.chunked:
            raise InvalidResponseError("it broke off")
        self.ended = True

    def _feed_common_head(self, data: bytes, events: list[ResponseHead | Piece]) -> bytes:
        """Parse a whole head in the common form and what follows of its body; returns the rest."""
        end = data.find(_END)
        head = parse_common_head(data[:end], has_body=self._has_body) if end >= 0 else None
        if head is None:
            return data
        self._begin(head)
        events.append(head)
        start = end + len(_END)
        size = len(data) - start
        if head.length is None or not 0 < size <= head.length:
            return data[start:]
        events.append(data[start:] if size < LARGE_BYTES else memoryview(data)[start:])
        self._missing = head.length - size
        self.ended = not self._missing
        return b""

    def _feed_heads(self, data: bytes, events: list[ResponseHead | Piece]) -> bytes:
        """Parse heads up to the final one; returns what follows it."""
        partial = self._partial_head = self._partial_head or bytearray()
        seen = len(partial)
        partial += data
        while self.head is None:
            end = partial.find(_END, max(0, seen - len(_END) + 1))
            if end < 0:
                _check_partial_head(partial, max(0, seen - 2))
                return b""
            head = parse_response_head(bytes(partial[:end]), has_body=self._has_body)
            del partial[: end + len(_END)]
            seen = 0
            self._take(head)
            events.append(head)
        data = bytes(partial)
        self._partial_head = None
        return data

    def _take(self, head: ResponseHead) -> None:
        if head.is_interim:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise InvalidResponseError(f"more than {MAX_INTERIM} interim answers")
            return
        if head.status == SWITCHING:
            self._check_switch(head)
        self._begin(head)

    def _begin(self, head: ResponseHead) -> None:
        self.head = head
        self._missing = head.length
        self._chunks = ChunkReader() if head.chunked else None
        self.ended = head.length == 0

    def _check_switch(self, head: ResponseHead) -> None:
        """RFC 9110 §7.8: only to a protocol that was offered, and with the fields that name it."""
        protocols = [value.lower() for value in field_values(head.fields, b"upgrade")]
        options = list_elements(field_values(head.fields, b"connection"))
        if not self._upgrade or protocols != [self._upgrade] or b"upgrade" not in options:
            raise InvalidResponseError("it switches protocols as nobody asked")

    def _feed_body(self, data: bytes, events: list[ResponseHead | Piece]) -> None:
        if self.ended:
            self.rest += data
        elif self._chunks is not None:
            self._feed_chunks(self._chunks, data, events)
        elif self._missing is None:
            self._add(data, events)
        else:
            piece = data if len(data) <= self._missing else data[: self._missing]
            self._missing -= len(piece)
            self._add(piece, events)
            if not self._missing:
                self.ended, self.rest = True, data[len(piece) :]

    def _feed_chunks(self, chunks: ChunkReader, data: bytes, events: list[ResponseHead | Piece]) -> None:
        try:
            pieces = chunks.feed(data)
        except ChunkError as error:
            raise InvalidResponseError(str(error)) from None
        if pieces:
            self._add(b"".join(pieces), events)
        if chunks.ended:
            self.ended, self.rest = True, chunks.rest

    def _add(self, piece: bytes, events: list[ResponseHead | Piece]) -> None:
        if self.head is not None and self.head.status == RESET_CONTENT:
            raise InvalidResponseError("content with status 205")
        events.append(piece)


def _check_partial_head(partial: bytearray, start: int) -> None:
    """Check a head that is not complete yet."""
    if not partial.startswith(_START[: len(partial)]):
        raise InvalidResponseError("no HTTP/1 answer")
    if len(partial) > MAX_HEAD_BYTES:
        raise InvalidResponseError(f"a head of more than {MAX_HEAD_BYTES} bytes")
    check_bytes(bytes(partial[max(0, start - 1) :]), min(start, 1))


SHARE = 0.8
"""The share of the announced time for which a connection is reused: a later request could cross the close."""

_TIMEOUT = re.compile(rb"(?:^|,)[ \t]*timeout[ \t]*=[ \t]*\"?([0-9]{1,9})", re.IGNORECASE)


def keep_alive_seconds(fields: Fields) -> float:
    """How long an idle connection may be reused by ``Keep-Alive`` (RFC 2068 §19.7.1); infinite without it."""
    hints = [_TIMEOUT.search(value) for value in field_values(fields, b"keep-alive")]
    return min((SHARE * int(hint[1]) for hint in hints if hint is not None), default=math.inf)
