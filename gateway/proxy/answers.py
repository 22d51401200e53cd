"""An upstream's answers, read strictly (RFC 9112 §2–§7): what two readers could take differently is broken.

No IO: bytes in; heads, pieces of the body and the end out.
"""

from gateway.proxy.answer_head import (
    MAX_HEAD_BYTES,
    RESET_CONTENT,
    SWITCHING,
    AnswerHead,
    BrokenAnswer,
    check_bytes,
    parse_answer_head,
)
from gateway.proxy.chunks import ChunkError, ChunkReader
from gateway.proxy.field_lines import elements_of, values_of
from gateway.proxy.usual_head import usual_head

MAX_INTERIM = 16
"""Heads of status 1xx before the one that counts."""

LARGE_BYTES = 32768
"""So much of a body that comes with its head is not copied: 32 KiB take 0.5 µs, 256 KiB 20."""

Piece = bytes | memoryview
"""A part of a body, as bytes come; not empty."""

_END = b"\r\n\r\n"
_BEGINNING = b"HTTP/1."


class AnswerReader:
    """Reads the answer to one request, fed as its bytes come.

    `head` is that of the answer proper, once it is there. What comes after the answer has `ended` is `rest`:
    behind a 101 the other protocol's bytes, else what nobody asked for.
    """

    # No slots: these stand in the class, as nearly all answers need no more than the first two below.
    head: AnswerHead | None = None
    ended = False
    rest: bytes = b""
    _begun: bytearray | None = None
    _interim = 0
    _missing: int | None = None
    _chunks: ChunkReader | None = None

    def __init__(self, *, has_body: bool = True, upgrade: bytes = b"") -> None:
        """`upgrade` is the protocol that the request offered to switch to, in lower case; b"" is none."""
        self._has_body = has_body
        self._upgrade = upgrade

    def feed(self, data: bytes) -> list[AnswerHead | Piece]:
        """Take more bytes: the heads and the pieces of the body that they complete.

        Raises:
            BrokenAnswer: from then on nothing more can be read.
        """
        events: list[AnswerHead | Piece] = []
        if self.head is None and not self._begun:
            data = self._feed_usual(data, events)
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

    def _feed_usual(self, data: bytes, events: list[AnswerHead | Piece]) -> bytes:
        """Read a head that is whole and usual, and what there is of the body; what is left to read."""
        end = data.find(_END)
        head = usual_head(data[:end], has_body=self._has_body) if end >= 0 else None
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

    def _feed_heads(self, data: bytes, events: list[AnswerHead | Piece]) -> bytes:
        """Read heads up to that of the answer proper; what follows it."""
        begun = self._begun = self._begun or bytearray()
        seen = len(begun)
        begun += data
        while self.head is None:
            end = begun.find(_END, max(0, seen - len(_END) + 1))
            if end < 0:
                _check_beginning(begun, max(0, seen - 2))
                return b""
            head = parse_answer_head(bytes(begun[:end]), has_body=self._has_body)
            del begun[: end + len(_END)]
            seen = 0
            self._take(head)
            events.append(head)
        data = bytes(begun)
        self._begun = None
        return data

    def _take(self, head: AnswerHead) -> None:
        if head.is_interim:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BrokenAnswer(f"more than {MAX_INTERIM} interim answers")
            return
        if head.status == SWITCHING:
            self._check_switch(head)
        self._begin(head)

    def _begin(self, head: AnswerHead) -> None:
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

    def _feed_body(self, data: bytes, events: list[AnswerHead | Piece]) -> None:
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

    def _feed_chunks(self, chunks: ChunkReader, data: bytes, events: list[AnswerHead | Piece]) -> None:
        try:
            pieces = chunks.feed(data)
        except ChunkError as error:
            raise BrokenAnswer(str(error)) from None
        if pieces:
            self._add(b"".join(pieces), events)
        if chunks.ended:
            self.ended, self.rest = True, chunks.rest

    def _add(self, piece: bytes, events: list[AnswerHead | Piece]) -> None:
        if self.head is not None and self.head.status == RESET_CONTENT:
            raise BrokenAnswer("content with status 205")
        events.append(piece)


def _check_beginning(begun: bytearray, start: int) -> None:
    """Whether a head that is not whole can become one."""
    if not begun.startswith(_BEGINNING[: len(begun)]):
        raise BrokenAnswer("no HTTP/1 answer")
    if len(begun) > MAX_HEAD_BYTES:
        raise BrokenAnswer(f"a head of more than {MAX_HEAD_BYTES} bytes")
    check_bytes(bytes(begun[max(0, start - 1) :]), min(start, 1))
