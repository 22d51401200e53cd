"""Reads one client's requests, one after the other, from the bytes of its connection. No IO."""

from gateway.fields import Fields
from gateway.proxy.chunks import ChunkError, ChunkReader
from gateway.proxy.field_lines import fault_in
from gateway.proxy.head import (
    SHADOWED,
    RequestHead,
    RequestLine,
    check_line,
    head_of,
    parse_field,
    parse_request_line,
)
from gateway.proxy.rules import (
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    Malformed,
    Rule,
)

Events = list[RequestHead | bytes]

_END = b"\r\n"


class RequestReader:
    """Fed as bytes come, at any boundaries: what is read does not depend on them. No piece is empty.

    One request is read at a time. What comes behind it is `held`, and read after `go_on`.
    """

    __slots__ = (
        "_chunks",
        "_fields",
        "_head_bytes",
        "_line",
        "_may_be_empty",
        "_missing",
        "_shadowed",
        "ended",
        "has_begun",
        "has_head",
        "held",
    )

    def __init__(self, shadowed: frozenset[bytes] = SHADOWED) -> None:
        """`shadowed` is as for `head_of`."""
        self._shadowed = shadowed
        self.held = b""
        """What has come and is not read yet."""
        self._start()

    def _start(self) -> None:
        self.has_begun = False
        """Whether a byte of the request at hand has come; an empty line before it is none of it."""
        self.has_head = False
        """Whether its head has come whole."""
        self.ended = False
        """Whether all of it has."""
        self._line: RequestLine | None = None
        self._fields: Fields = []
        self._head_bytes = 0
        self._may_be_empty = True
        self._missing = 0
        self._chunks: ChunkReader | None = None

    @property
    def method(self) -> str:
        """That of the request at hand, as far as its line has come; empty where it has not."""
        return "" if self._line is None else self._line.method

    @property
    def takes_any_bytes(self) -> bool:
        """Whether what comes now is content, in which nothing has to be looked for."""
        return self._missing > 0 and not self.ended

    def feed(self, data: bytes) -> Events:
        """Take more bytes: the head, and the pieces of the body, that they complete.

        Raises:
            Malformed: from then on nothing more can be read, and what these bytes would complete is lost.
        """
        if self.ended:
            self.held += data
            return []
        events: Events = []
        try:
            if not self.has_head:
                data = self._feed_head(self.held + data, len(self.held), events)
            if self.has_head and data:
                self._feed_body(data, events)
        except Malformed as malformed:
            raise Malformed(malformed.rule, self.method) from None
        return events

    def go_on(self) -> Events:
        """Go on to the next request, with what is held of it.

        Raises:
            Malformed: as `feed`.
        """
        data, self.held = self.held, b""
        self._start()
        return self.feed(data) if data else []

    def pass_over(self) -> None:
        """A request that was not fed is at hand: what is fed now comes behind it."""
        self.has_begun = self.has_head = self.ended = True

    def go_back(self) -> bytes:
        """It is to be fed after all, before what is returned, which came behind it."""
        data, self.held = self.held, b""
        self._start()
        return data

    def _feed_head(self, data: bytes, passed: int, events: Events) -> bytes:
        """Take lines up to the head's end, the first of which has `passed` so far; what follows it."""
        if not passed:
            end = self._take_at_once(data, events)
            if end:
                return data[end:]
        position = 0
        while not self.has_head:
            end = data.find(_END, position)
            line = data[position:] if end < 0 else data[position : end + len(_END)]
            self._check(line, passed)
            passed = 0
            if end < 0:
                self.held = line
                self.has_begun = bool(line) or self._line is not None
                return b""
            position += len(line)
            self._head_bytes += len(line)
            self._take_line(line[: -len(_END)], events)
        self.held = b""
        return data[position:]

    def _take_at_once(self, data: bytes, events: Events) -> int:
        """Take a head that has come whole and is as heads are: where it ends, 0 where lines must be judged.

        Nearly all are. Line by line (a twin that the tests hold it to) a head takes half as long again.
        """
        end = data.find(_END + _END, 0, MAX_LINE_BYTES)
        if end < 0 or self._line is not None or not self._may_be_empty:
            return 0
        lines = data[:end].split(_END)
        if not lines[0] or len(lines) > MAX_FIELDS + 1 or fault_in(data[: end + len(_END)]) is not None:
            return 0
        self._line = parse_request_line(lines[0])
        self._fields = [parse_field(line) for line in lines[1:]]
        self._take_head(head_of(self._line, self._fields, self._shadowed), events)
        self.held = b""
        return end + 2 * len(_END)

    def _check(self, line: bytes, passed: int) -> None:
        """The same verdict on a line that is whole and on its beginning."""
        limit, too_long = MAX_FIELD_BYTES, Rule.LONG_FIELD
        if self._line is None:
            limit, too_long = MAX_LINE_BYTES, Rule.LONG_LINE
        room = MAX_HEAD_BYTES - self._head_bytes
        if room < limit:
            limit, too_long = room, Rule.LONG_HEAD
        check_line(line, limit, too_long, passed)

    def _take_line(self, line: bytes, events: Events) -> None:
        if self._line is None:
            # RFC 9112 §2.2: some clients send an empty line behind a body
            if line or not self._may_be_empty:
                self._line = parse_request_line(line)
            self._may_be_empty = False
        elif not line:
            self._take_head(head_of(self._line, self._fields, self._shadowed), events)
        elif len(self._fields) == MAX_FIELDS:
            raise Malformed(Rule.MANY_FIELDS)
        else:
            self._fields.append(parse_field(line))

    def _take_head(self, head: RequestHead, events: Events) -> None:
        self.has_begun = self.has_head = True
        self.ended = not head.has_body
        self._missing = head.length or 0
        self._chunks = ChunkReader() if head.length is None else None
        events.append(head)

    def _feed_body(self, data: bytes, events: Events) -> None:
        if self.ended:
            self.held = data
        elif self._chunks is not None:
            try:
                events += self._chunks.feed(data)
            except ChunkError:
                raise Malformed(Rule.CHUNKS) from None
            if self._chunks.ended:
                self.ended, self.held = True, self._chunks.rest
        else:
            piece = data[: self._missing]
            self._missing -= len(piece)
            events.append(piece)
            if not self._missing:
                self.ended, self.held = True, data[len(piece) :]
