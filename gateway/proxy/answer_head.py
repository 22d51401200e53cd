"""The head of an upstream's answer, read strictly (RFC 9112 §2–§6): what could be read in two ways is broken.

No IO.
"""

import re
from dataclasses import dataclass

from gateway.fields import Fields
from gateway.proxy.field_lines import FieldError, elements_of, fault_in, parse_field_line, values_of
from gateway.proxy.headers import OWN_IN_ANSWERS, end_to_end

MAX_FIELD_BYTES = 65536
MAX_FIELDS = 512
MAX_HEAD_BYTES = 131072
"""More than what a client may send: it is the operator's own service that speaks."""
SWITCHING = 101
RESET_CONTENT = 205
BODILESS = frozenset({204, 304})

# RFC 9112 §4; the space before a reason that is empty is forgotten by many, and nothing hangs on it
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t \x21-\x7e\x80-\xff]*))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class BrokenAnswer(ValueError):  # noqa: N818 - what it is
    """Not an HTTP/1.1 answer, or one that two readers could take differently."""


@dataclass(slots=True, init=False)  # one a request: see CONTRIBUTING, "What is compiled"
class AnswerHead:
    """What an answer's head says.

    `text` is its lines as HTTP/1.1 has them, without the empty one: fields as they were sent, without the
    space around values; a Content-Length where there must be none (RFC 9110 §8.6) is left out. `passed` is
    what of it goes on to the client, in the same form: the status line and the end-to-end fields. `length` is
    that of the body in bytes, None where it is not known before its end: that of its last chunk if `chunked`,
    else of the connection (RFC 9112 §6.3).
    """

    version: tuple[int, int]
    status: int
    text: bytes
    passed: bytes
    length: int | None
    chunked: bool
    keep_alive: bool

    def __init__(
        self,
        version: tuple[int, int],
        status: int,
        text: bytes,
        passed: bytes,
        length: int | None,
        *,
        chunked: bool,
        keep_alive: bool,
    ) -> None:
        self.version = version
        self.status = status
        self.text = text
        self.passed = passed
        self.length = length
        self.chunked = chunked
        self.keep_alive = keep_alive

    @property
    def is_interim(self) -> bool:
        """Whether another head follows, that of the answer proper (RFC 9110 §15.2)."""
        return self.status < 200 and self.status != SWITCHING

    @property
    def fields(self) -> Fields:
        """The fields of the text."""
        return fields_in(self.text)


def fields_in(text: bytes) -> Fields:
    """The fields of a head's text, as `AnswerHead` has it."""
    _, *lines = text.split(b"\r\n")
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


def text_of(start: bytes, fields: Fields) -> bytes:
    """A head's text, as `AnswerHead` has it: the line that it starts with, or all of another, and fields."""
    line, _, _ = start.partition(b"\r\n")
    return b"\r\n".join([line, *(b"%b: %b" % field for field in fields)])


def parse_answer_head(data: bytes, *, has_body: bool = True) -> AnswerHead:
    """Read a head, without the empty line at its end.

    Args:
        has_body: False for the answer to HEAD, which has none whatever it says (RFC 9112 §6.3).

    Raises:
        BrokenAnswer: with the reason.
    """
    if len(data) > MAX_HEAD_BYTES:
        raise BrokenAnswer(f"a head of more than {MAX_HEAD_BYTES} bytes")
    check_bytes(data + b"\r\n", 0)
    line, *lines = data.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise BrokenAnswer("a status line that is none")
    version, status = (1, int(match[1])), int(match[2])
    fields = _fields(lines)
    length, chunked = _framing(fields, version)
    if not has_body or status < 200 or status in BODILESS:
        length, chunked = 0, False
    if status == RESET_CONTENT and length:
        raise BrokenAnswer("content with status 205")  # RFC 9110 §15.3.6: clients read on without it
    if status < 200 or status == 204:
        fields = [field for field in fields if field[0].lower() != b"content-length"]
    start = b"HTTP/1.1 %d %b" % (status, match[3] or b"")
    return AnswerHead(
        version,
        status,
        text_of(start, fields),
        text_of(start, end_to_end(fields, OWN_IN_ANSWERS)),
        length,
        chunked=chunked,
        keep_alive=version == (1, 1)
        and (chunked or length is not None)
        and b"close" not in elements_of(values_of(fields, b"connection")),
    )


def check_bytes(data: bytes, start: int) -> None:
    """Let a part of a head pass from `start` on.

    Raises:
        BrokenAnswer: no head may hold it.
    """
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
