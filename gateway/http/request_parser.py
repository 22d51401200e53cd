"""An incremental, strict parser of requests (RFC 9112)."""

import re
from dataclasses import dataclass

from gateway.http.chunked import ChunkError, ChunkReader
from gateway.http.fields import (
    TOKEN,
    Field,
    FieldError,
    Fields,
    Version,
    invalid_bytes,
    is_host,
    list_elements,
    parse_field_line,
)
from gateway.http.forwarded import is_spoofable
from gateway.http.rules import (
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    METHODS,
    BadRequestError,
    Rule,
)

_Interpreted = dict[bytes, list[bytes]]
"""The values of the fields that decide framing and routing, by their names in lower case."""

_VERSION = re.compile(rb"HTTP/([0-9])\.([0-9])")
_VERSIONS = frozenset({(1, 0), (1, 1)})
_TARGET = re.compile(rb"[\x21-\x7e]+")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")
_URL = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)
_INTERPRETED = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade"}
)
_NONE: list[bytes] = []
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"br", b"zstd"})

PROTECTED_NAMES = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"max-forwards",
        b"proxy-authorization",
        b"transfer-encoding",
        b"x-api-key",
        b"x-request-id",
    }
)
"""Names that must not come with another character for a hyphen, besides the spoofable ones.

CGI and WSGI read ``_`` as ``-``; some servers replace every such character."""

_HYPHENED = bytes.maketrans(b"_!#$%&'*+.^`|~", b"-" * 14)


@dataclass(frozen=True, slots=True)
class RequestLine:
    """The request line; `target` is as it was sent."""

    method: str
    target: bytes
    version: Version


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request's head.

    `target` is in origin-form or ``*``, unchanged unless it was in absolute form. `fields` are as they were
    sent, without the space around values. `host` is the requested host, with a port if one was given; b"" if
    an HTTP/1.0 client named none. `length` is the body's in bytes, None if it is chunked. `upgrade` is the
    one protocol that the client offers to switch to, in lower case; b"" is none.
    """

    method: str
    target: bytes
    version: Version
    fields: Fields
    host: bytes
    length: int | None
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes

    @property
    def has_body(self) -> bool:
        """Whether content follows the head."""
        return self.length != 0


def check_line(line: bytes, limit: int, too_long: Rule, start: int) -> None:
    """Check the bytes of a line, complete with its CRLF or as far as it has been received.

    Bytes before `start` have been checked, except for a CR right before it, whose LF may follow now.

    Raises:
        BadRequestError: the line has invalid bytes, or is longer than `limit` (`too_long`).
    """
    length = len(line.removesuffix(b"\n").removesuffix(b"\r"))  # the LF may not have been received yet
    fault = invalid_bytes(line if length <= limit else line[:limit], max(0, start - 1))
    if fault is not None:
        raise BadRequestError(Rule.LINE_END if fault[:1] in b"\r\n" else Rule.CONTROLS)
    if length > limit:
        raise BadRequestError(too_long)


def parse_request_line(line: bytes) -> RequestLine:
    """Parse a request line without control characters (RFC 9112 §3): single spaces, none before or after.

    Raises:
        BadRequestError: the line is malformed, or its version or method is not supported.
    """
    parts = line.split(b" ")
    version = _VERSION.fullmatch(parts[-1])
    if len(parts) != 3 or TOKEN.fullmatch(parts[0]) is None or not parts[1] or version is None:
        raise BadRequestError(Rule.REQUEST_LINE)
    version_numbers = int(version[1]), int(version[2])
    if version_numbers not in _VERSIONS:
        raise BadRequestError(Rule.VERSION)
    method = parts[0].decode("latin-1")
    if method not in METHODS:
        raise BadRequestError(Rule.METHOD)
    return RequestLine(method, parts[1], version_numbers)


def parse_field(line: bytes) -> Field:
    """Parse a field line without control characters.

    Raises:
        BadRequestError: the line is malformed.
    """
    if line.startswith((b" ", b"\t")):
        raise BadRequestError(Rule.FOLDED)
    try:
        return parse_field_line(line)
    except FieldError:
        raise BadRequestError(Rule.FIELD) from None


def build_head(
    line: RequestLine, fields: Fields, protected_names: frozenset[bytes] = PROTECTED_NAMES
) -> RequestHead:
    """The head that a request's lines form together.

    Args:
        protected_names: names in lower case that must not come with another character for a hyphen.

    Raises:
        BadRequestError: the lines break a rule together.
    """
    found: _Interpreted = {}
    has_odd_names = False
    for name, value in fields:
        lowered = name.lower()
        if lowered in _INTERPRETED:
            found.setdefault(lowered, []).append(value)
        elif lowered.translate(_HYPHENED) != lowered:
            has_odd_names = True
    if has_odd_names:
        _check_names(fields, protected_names)
    target, host = _target(line, _host(line.version, found))
    length = _length(line.version, found)
    options = list_elements(found.get(b"connection", _NONE))
    is_new = line.version == (1, 1)
    return RequestHead(
        line.method,
        target,
        line.version,
        fields,
        host,
        length,
        keep_alive=b"close" not in options and (is_new or b"keep-alive" in options),
        expects_continue=_expects_continue(line.version, found),
        upgrade=_upgrade(found) if is_new and b"upgrade" in options else b"",
    )


def _check_names(fields: Fields, protected_names: frozenset[bytes]) -> None:
    spellings: dict[bytes, bytes] = {}
    for name, _ in fields:
        lowered = name.lower()
        hyphened = lowered.translate(_HYPHENED)
        if spellings.setdefault(hyphened, lowered) != lowered:
            raise BadRequestError(Rule.AMBIGUOUS_NAME)
        if lowered != hyphened and (hyphened in protected_names or is_spoofable(hyphened)):
            raise BadRequestError(Rule.AMBIGUOUS_NAME)


def _host(version: Version, found: _Interpreted) -> bytes:
    hosts = found.get(b"host", _NONE)
    if not hosts:
        if version == (1, 0):
            return b""
        raise BadRequestError(Rule.NO_HOST)
    if len(hosts) > 1 or not is_host(hosts[0]):
        raise BadRequestError(Rule.HOST)
    return hosts[0]


def _target(line: RequestLine, host: bytes) -> tuple[bytes, bytes]:
    """The target in origin-form, and the requested host."""
    target = line.target
    if target == b"*":
        if line.method != "OPTIONS":
            raise BadRequestError(Rule.ASTERISK)
        return target, host
    if _TARGET.fullmatch(target) is None:
        raise BadRequestError(Rule.TARGET)
    if b"#" in target:
        raise BadRequestError(Rule.FRAGMENT)
    if target.startswith(b"/"):
        return target, host
    if _ABSOLUTE.match(target) is None:
        raise BadRequestError(Rule.TARGET)
    return _from_absolute(line, host)


def _from_absolute(line: RequestLine, host: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 §3.2.2. Host must agree: not every server lets the target override it."""
    url = _URL.fullmatch(line.target)
    if url is None or not is_host(url[1]):
        raise BadRequestError(Rule.ABSOLUTE)
    authority, path = url[1], url[2]
    if host and authority.lower() != host.lower():
        raise BadRequestError(Rule.OTHER_HOST)
    if not path and line.method == "OPTIONS":
        return b"*", authority  # RFC 9112 §3.2.4
    return path if path.startswith(b"/") else b"/" + path, authority


def _length(version: Version, found: _Interpreted) -> int | None:
    """The body's length in bytes, None if it is chunked (RFC 9112 §6.3)."""
    codings = found.get(b"transfer-encoding", _NONE)
    lengths = found.get(b"content-length", _NONE)
    if not codings:
        if not lengths:
            return 0
        if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0]) is None:
            raise BadRequestError(Rule.LENGTH)
        return int(lengths[0])
    if version == (1, 0):
        raise BadRequestError(Rule.OLD_CODING)
    if lengths:
        raise BadRequestError(Rule.LENGTH_AND_CODING)
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise BadRequestError(_coding_fault(codings))
    return None


def _coding_fault(codings: list[bytes]) -> Rule:
    *first, last = [coding.strip(b" \t").lower() for value in codings for coding in value.split(b",")]
    known = first and last == b"chunked" and all(coding in _CODINGS for coding in first)
    return Rule.UNKNOWN_CODING if known else Rule.CODING


def _expects_continue(version: Version, found: _Interpreted) -> bool:
    """Whether the client waits for ``100 Continue``; ignored in HTTP/1.0 (RFC 9110 §10.1.1)."""
    expectations = found.get(b"expect", _NONE)
    if not expectations or version == (1, 0):
        return False
    if [value.lower() for value in expectations] != [b"100-continue"]:
        raise BadRequestError(Rule.EXPECTATION)
    return True


def _upgrade(found: _Interpreted) -> bytes:
    protocols = found.get(b"upgrade", _NONE)
    return protocols[0].lower() if len(protocols) == 1 else b""


Events = list[RequestHead | bytes]

_END = b"\r\n"


class RequestParser:
    """An incremental parser: the result does not depend on how the bytes are split. No piece is empty.

    It parses one request at a time. Bytes after it are `held` until `next_request`.
    """

    __slots__ = (
        "_chunks",
        "_fields",
        "_head_bytes",
        "_line",
        "_may_be_empty",
        "_missing",
        "_protected_names",
        "ended",
        "has_begun",
        "has_head",
        "held",
    )

    def __init__(self, protected_names: frozenset[bytes] = PROTECTED_NAMES) -> None:
        """`protected_names` as in `build_head`."""
        self._protected_names = protected_names
        self.held = b""
        """Bytes received but not parsed yet."""
        self._start()

    def _start(self) -> None:
        self.has_begun = False
        """Whether a byte of the current request was received; an empty line before it does not count."""
        self.has_head = False
        """Whether its head is complete."""
        self.ended = False
        """Whether the whole request is complete."""
        self._line: RequestLine | None = None
        self._fields: Fields = []
        self._head_bytes = 0
        self._may_be_empty = True
        self._missing = 0
        self._chunks: ChunkReader | None = None

    @property
    def method(self) -> str:
        """The current request's method; empty until its request line is complete."""
        return "" if self._line is None else self._line.method

    @property
    def takes_any_bytes(self) -> bool:
        """Whether the next bytes are content of a known length."""
        return self._missing > 0 and not self.ended

    def feed(self, data: bytes) -> Events:
        """Parse more bytes into the head and the pieces of the body that they complete.

        Raises:
            BadRequestError: nothing more can be parsed; whatever these bytes completed is lost.
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
        except BadRequestError as malformed:
            raise BadRequestError(malformed.rule, self.method) from None
        return events

    def next_request(self) -> Events:
        """Parse the next request, of which bytes may be held.

        Raises:
            BadRequestError: as `feed`.
        """
        data, self.held = self.held, b""
        self._start()
        return self.feed(data) if data else []

    def skip(self) -> None:
        """Treat a request that was not fed as the current one: hold the bytes that follow it."""
        self.has_begun = self.has_head = self.ended = True

    def rewind(self) -> bytes:
        """Undo `skip`: the request is fed after all, then the bytes returned here, which follow it."""
        data, self.held = self.held, b""
        self._start()
        return data

    def _feed_head(self, data: bytes, checked: int, events: Events) -> bytes:
        """Parse lines up to the head's end; `checked` bytes of the first were checked before."""
        if not checked:
            end = self._parse_whole_head(data, events)
            if end:
                return data[end:]
        position = 0
        while not self.has_head:
            end = data.find(_END, position)
            line = data[position:] if end < 0 else data[position : end + len(_END)]
            self._check(line, checked)
            checked = 0
            if end < 0:
                self.held = line
                self.has_begun = bool(line) or self._line is not None
                return b""
            position += len(line)
            self._head_bytes += len(line)
            self._parse_line(line[: -len(_END)], events)
        self.held = b""
        return data[position:]

    def _parse_whole_head(self, data: bytes, events: Events) -> int:
        """Parse a whole head with no invalid byte; returns its end, or 0 to parse it line by line.

        Nearly all heads take this path. Line by line (tests compare both) takes half as long again.
        """
        end = data.find(_END + _END, 0, MAX_LINE_BYTES)
        if end < 0 or self._line is not None or not self._may_be_empty:
            return 0
        lines = data[:end].split(_END)
        if not lines[0] or len(lines) > MAX_FIELDS + 1 or invalid_bytes(data[: end + len(_END)]) is not None:
            return 0
        self._line = parse_request_line(lines[0])
        self._fields = [parse_field(line) for line in lines[1:]]
        self._begin_body(build_head(self._line, self._fields, self._protected_names), events)
        self.held = b""
        return end + 2 * len(_END)

    def _check(self, line: bytes, checked: int) -> None:
        """Check a line or its beginning, against the limits that apply at this point."""
        limit, too_long = MAX_FIELD_BYTES, Rule.LONG_FIELD
        if self._line is None:
            limit, too_long = MAX_LINE_BYTES, Rule.LONG_LINE
        room = MAX_HEAD_BYTES - self._head_bytes
        if room < limit:
            limit, too_long = room, Rule.LONG_HEAD
        check_line(line, limit, too_long, checked)

    def _parse_line(self, line: bytes, events: Events) -> None:
        if self._line is None:
            # RFC 9112 §2.2: some clients send an empty line after a body
            if line or not self._may_be_empty:
                self._line = parse_request_line(line)
            self._may_be_empty = False
        elif not line:
            self._begin_body(build_head(self._line, self._fields, self._protected_names), events)
        elif len(self._fields) == MAX_FIELDS:
            raise BadRequestError(Rule.MANY_FIELDS)
        else:
            self._fields.append(parse_field(line))

    def _begin_body(self, head: RequestHead, events: Events) -> None:
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
                raise BadRequestError(Rule.CHUNKS) from None
            if self._chunks.ended:
                self.ended, self.held = True, self._chunks.rest
        else:
            piece = data[: self._missing]
            self._missing -= len(piece)
            events.append(piece)
            if not self._missing:
                self.ended, self.held = True, data[len(piece) :]
