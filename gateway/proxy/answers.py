"""An upstream's answers, read strictly (RFC 9112 §2–§7): what two readers could take differently is broken.

No IO: bytes in; heads, pieces of the body and the end out.
"""

import re
from dataclasses import dataclass

from gateway.fields import Fields
from gateway.proxy.chunks import ChunkError, ChunkReader
from gateway.proxy.field_lines import FieldError, elements_of, fault_in, parse_field_line, values_of

MAX_FIELD_BYTES = 65536
MAX_FIELDS = 512
MAX_HEAD_BYTES = 131072
"""More than what a client may send: it is the operator's own service that speaks."""
MAX_INTERIM = 16
"""Heads of status 1xx before the one that counts."""

_END = b"\r\n\r\n"
_BEGINNING = b"HTTP/1."
# RFC 9112 §4; the space before a reason that is empty is forgotten by many, and nothing hangs on it
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t \x21-\x7e\x80-\xff]*))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_BODILESS = frozenset({204, 304})
_SWITCHING = 101
_RESET_CONTENT = 205


class BrokenAnswer(ValueError):  # noqa: N818 - what it is
    """Not an HTTP/1.1 answer, or one that two readers could take differently."""


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What an answer's head says.

    `fields` are as they were sent, without the space around values; a Content-Length where there must be
    none (RFC 9110 §8.6) is left out. `length` is that of the body in bytes, None where it is not known
    before its end: that of its last chunk if `chunked`, else of the connection (RFC 9112 §6.3).
    """

    version: tuple[int, int]
    status: int
    reason: bytes
    fields: Fields
    length: int | None
    chunked: bool
    keep_alive: bool

    @property
    def is_interim(self) -> bool:
        """Whether another head follows, that of the answer proper (RFC 9110 §15.2)."""
        return self.status < 200 and self.status != _SWITCHING


def parse_answer_head(data: bytes, *, has_body: bool = True) -> AnswerHead:
    """Read a head, without the empty line at its end.

    Args:
        has_body: False for the answer to HEAD, which has none whatever it says (RFC 9112 §6.3).

    Raises:
        BrokenAnswer: with the reason.
    """
    if len(data) > MAX_HEAD_BYTES:
        raise BrokenAnswer(f"a head of more than {MAX_HEAD_BYTES} bytes")
    _check_bytes(data + b"\r\n", 0)
    line, *lines = data.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise BrokenAnswer("a status line that is none")
    version, status = (1, int(match[1])), int(match[2])
    fields = _fields(lines)
    length, chunked = _framing(fields, version)
    if not has_body or status < 200 or status in _BODILESS:
        length, chunked = 0, False
    if status == _RESET_CONTENT and length:
        raise BrokenAnswer("content with status 205")  # RFC 9110 §15.3.6: clients read on without it
    if status < 200 or status == 204:
        fields = [field for field in fields if field[0].lower() != b"content-length"]
    return AnswerHead(
        version,
        status,
        match[3] or b"",
        fields,
        length,
        chunked,
        keep_alive=version == (1, 1)
        and (chunked or length is not None)
        and b"close" not in elements_of(values_of(fields, b"connection")),
    )


def _check_bytes(data: bytes, start: int) -> None:
    if fault_in(data, start) is not None:
        raise BrokenAnswer("a control character, a lone CR or LF, or a folded line in the head")


def _fields(lines: list[bytes]) -> Fields:
    if len(lines) > MAX_FIELDS:
        raise BrokenAnswer(f"more than {MAX_FIELDS} fields")
    if any(len(line) > MAX_FIELD_BYTES for line in lines):
        raise BrokenAnswer(f"a field of more than {MAX_FIELD_BYTES} bytes")
    try:
        return [parse_field_line(line) for line in lines]
    except FieldError:
        raise BrokenAnswer("a field line that is none") from None


def _framing(fields: Fields, version: tuple[int, int]) -> tuple[int | None, bool]:
    """The body's length, and whether it comes in chunks (RFC 9112 §6.3)."""
    codings = values_of(fields, b"transfer-encoding")
    lengths = values_of(fields, b"content-length")
    if codings:
        if lengths:
            raise BrokenAnswer("both Content-Length and Transfer-Encoding")
        if version == (1, 0) or [coding.lower() for coding in codings] != [b"chunked"]:
            raise BrokenAnswer("a transfer coding other than chunked, or in HTTP/1.0")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0]) is None:
        raise BrokenAnswer("a Content-Length that is not one whole number")
    return int(lengths[0]), False


class AnswerReader:
    """Reads the answer to one request, fed as its bytes come.

    `head` is that of the answer proper, once it is there. What comes after the answer has `ended` is `rest`:
    behind a 101 the other protocol's bytes, else what nobody asked for.
    """

    __slots__ = (
        "_begun",
        "_chunks",
        "_has_body",
        "_interim",
        "_missing",
        "_upgrade",
        "ended",
        "head",
        "rest",
    )

    def __init__(self, *, has_body: bool = True, upgrade: bytes = b"") -> None:
        """`upgrade` is the protocol that the request offered to switch to, in lower case; b"" is none."""
        self.head: AnswerHead | None = None
        self.ended = False
        self.rest = b""
        self._has_body = has_body
        self._upgrade = upgrade
        self._begun = bytearray()
        self._interim = 0
        self._missing: int | None = None
        self._chunks: ChunkReader | None = None

    def feed(self, data: bytes) -> list[AnswerHead | bytes]:
        """Take more bytes: the heads and the pieces of the body that they complete.

        Raises:
            BrokenAnswer: from then on nothing more can be read.
        """
        events: list[AnswerHead | bytes] = []
        if self.head is None:
            data = self._feed_heads(data, events)
        if self.head is not None and data:
            self._feed_body(data, events)
        return events

    def feed_eof(self) -> None:
        """The connection has ended in order.

        Raises:
            BrokenAnswer: the answer has not.
        """
        if self.ended:
            return
        if self.head is None or self.head.length is not None or self.head.chunked:
            raise BrokenAnswer("it broke off")
        self.ended = True

    def _feed_heads(self, data: bytes, events: list[AnswerHead | bytes]) -> bytes:
        """Read heads up to that of the answer proper; what follows it."""
        seen = len(self._begun)
        self._begun += data
        while self.head is None:
            end = self._begun.find(_END, max(0, seen - len(_END) + 1))
            if end < 0:
                self._check_beginning(max(0, seen - 2))
                return b""
            head = parse_answer_head(bytes(self._begun[:end]), has_body=self._has_body)
            del self._begun[: end + len(_END)]
            seen = 0
            self._take(head)
            events.append(head)
        data = bytes(self._begun)
        self._begun.clear()
        return data

    def _check_beginning(self, start: int) -> None:
        """Whether a head that is not whole can become one."""
        begun = self._begun
        if not begun.startswith(_BEGINNING[: len(begun)]):
            raise BrokenAnswer("no HTTP/1 answer")
        if len(begun) > MAX_HEAD_BYTES:
            raise BrokenAnswer(f"a head of more than {MAX_HEAD_BYTES} bytes")
        _check_bytes(bytes(begun[max(0, start - 1) :]), min(start, 1))

    def _take(self, head: AnswerHead) -> None:
        if head.is_interim:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BrokenAnswer(f"more than {MAX_INTERIM} interim answers")
            return
        if head.status == _SWITCHING:
            self._check_switch(head)
        self.head = head
        self._missing = head.length
        self._chunks = ChunkReader() if head.chunked else None
        self.ended = head.length == 0

    def _check_switch(self, head: AnswerHead) -> None:
        """RFC 9110 §7.8: only to a protocol that was offered, and with the fields that say so."""
        protocols = [value.lower() for value in values_of(head.fields, b"upgrade")]
        options = elements_of(values_of(head.fields, b"connection"))
        if not self._upgrade or protocols != [self._upgrade] or b"upgrade" not in options:
            raise BrokenAnswer("it switches protocols as nobody asked")

    def _feed_body(self, data: bytes, events: list[AnswerHead | bytes]) -> None:
        if self.ended:
            self.rest += data
        elif self._chunks is not None:
            self._feed_chunks(self._chunks, data, events)
        elif self._missing is None:
            self._add(data, events)
        else:
            piece = data[: self._missing]
            self._missing -= len(piece)
            self._add(piece, events)
            if not self._missing:
                self.ended, self.rest = True, data[len(piece) :]

    def _feed_chunks(self, chunks: ChunkReader, data: bytes, events: list[AnswerHead | bytes]) -> None:
        try:
            pieces = chunks.feed(data)
        except ChunkError as error:
            raise BrokenAnswer(str(error)) from None
        if pieces:
            self._add(b"".join(pieces), events)
        if chunks.ended:
            self.ended, self.rest = True, chunks.rest

    def _add(self, piece: bytes, events: list[AnswerHead | bytes]) -> None:
        if self.head is not None and self.head.status == _RESET_CONTENT:
            raise BrokenAnswer("content with status 205")
        events.append(piece)
