"""What is sent to a library that echoes: the ground of the Autobahn test suite, in its order.

https://github.com/crossbario/autobahn-testsuite
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.gateway.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    closing,
)

MAX_MESSAGE_BYTES = 1 << 20
"""What the libraries are told to take."""


@dataclass(frozen=True)
class Step:
    """Frames that go out together, in so many `pieces`; `replies` are to come before the next step."""

    frames: Sequence[Frame]
    replies: int = 0
    pieces: int = 1


@dataclass(frozen=True)
class Case:
    """Steps, and the code with which a strict library closes, by itself or in answer to a close."""

    name: str
    steps: Sequence[Step]
    code: int | None = 1000

    @property
    def is_right(self) -> bool:
        """Whether the library has no reason to close by itself."""
        last = self.steps[-1].frames
        return self.code == 1000 and not any(frame.opcode == CLOSE for frame in last)


def _echo(name: str, *frames: Frame, pieces: int = 1, replies: int = 1) -> Case:
    return Case(name, (Step(frames, replies, pieces),))


def _wrong(name: str, *frames: Frame, code: int = 1002, before: Sequence[Step] = ()) -> Case:
    return Case(name, (*before, Step(frames)), code)


def _text(text: str) -> Frame:
    return Frame(TEXT, text.encode())


def _split(payload: bytes, size: int, opcode: int = TEXT) -> list[Frame]:
    """A message in fragments of that size."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(parts) - 1
    return [
        Frame(CONTINUATION if place else opcode, part, fin=place == last) for place, part in enumerate(parts)
    ]


_SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536, MAX_MESSAGE_BYTES)
_HELLO = Step([_text("hello")], 1)
_UTF8 = "Hello-µ@ßöäüàá-UTF-8!! κόσμε \U00010348 \U0010ffff \ufffd"
_BROKEN_UTF8 = {
    "a lone continuation": b"abc\x80def",
    "a byte that is never there": b"\xfe\xfe\xff\xff",
    "an overlong slash": b"\xc0\xaf",
    "an overlong NUL": b"\xe0\x80\x80",
    "a surrogate": b"\xce\xba\xed\xa0\x80edited",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "cut off": b"\xce\xba\xe1\xbd",
}
_LEGAL_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
_ILLEGAL_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535)

FRAMING = (
    *(_echo(f"text of {size}", Frame(TEXT, b"*" * size)) for size in _SIZES),
    *(_echo(f"bytes of {size}", Frame(BINARY, b"\xfe" * size)) for size in _SIZES),
    _echo("text in small pieces", Frame(TEXT, b"*" * 65536), pieces=66),
    _echo("text byte by byte", Frame(TEXT, b"*" * 130), pieces=138),
    _echo("a length in more bytes than it needs", Frame(TEXT, b"x", length_bytes=2)),
    _echo("a length in eight bytes", Frame(TEXT, b"x", length_bytes=8)),
)
MASKS = (
    _wrong("a text", Frame(TEXT, b"x", is_mismasked=True)),
    _wrong("a ping after a message", Frame(PING, is_mismasked=True), before=[_HELLO]),
)
"""Masked where it must not be, or the other way round. aiohttp does not look."""

PINGS = (
    _echo("empty", Frame(PING)),
    _echo("with text", Frame(PING, b"Hello, world!")),
    _echo("with bytes", Frame(PING, b"\x00\xff\xfe\xfd")),
    _echo("of 125", Frame(PING, b"\xfe" * 125)),
    _echo("of 125 byte by byte", Frame(PING, b"\xfe" * 125), pieces=131),
    _wrong("of 126", Frame(PING, b"\xfe" * 126)),
    Case("a pong that nobody asked for", (Step([Frame(PONG, b"x"), Frame(PING, b"y")], 1),)),
    _echo("ten at once", *(Frame(PING, b"%d" % number) for number in range(10)), replies=10),
)
RESERVED = (
    *(_wrong(f"bits {bits:03b}", Frame(TEXT, b"x", rsv=bits)) for bits in range(1, 8)),
    *(
        _wrong(f"bits {bits:03b} after a message", Frame(PING, rsv=bits), before=[_HELLO])
        for bits in (1, 2, 4)
    ),
    *(_wrong(f"opcode {opcode}", Frame(opcode)) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    *(_wrong(f"opcode {opcode} after a message", Frame(opcode, b"x"), before=[_HELLO]) for opcode in (5, 13)),
)
FRAGMENTS = (
    _echo("text in two", *_split(b"fragment1fragment2", 9)),
    _echo("bytes in ten", *_split(bytes(range(256)) * 4, 103, BINARY)),
    _echo("text byte by byte", *_split(b"fragment1fragment2", 1), pieces=40),
    _echo("empty ones", Frame(TEXT, fin=False), Frame(CONTINUATION, fin=False), Frame(CONTINUATION)),
    Case(
        "a ping between",
        (
            Step([Frame(TEXT, b"fragment1", fin=False), Frame(PING, b"x")], 1),
            Step([Frame(CONTINUATION, b"fragment2")], 1),
        ),
    ),
    Case(
        "ten pings between",
        (
            Step([Frame(TEXT, b"a", fin=False)]),
            *(Step([Frame(PING, b"%d" % n), Frame(CONTINUATION, b"b", fin=False)], 1) for n in range(10)),
            Step([Frame(CONTINUATION, b"c")], 1),
        ),
    ),
    _echo("a pong between", Frame(TEXT, b"a", fin=False), Frame(PONG, b"x"), Frame(CONTINUATION, b"b")),
    _wrong("a ping in two", Frame(PING, b"x", fin=False), Frame(CONTINUATION, b"y")),
    _wrong("a pong in two", Frame(PONG, b"x", fin=False), Frame(CONTINUATION, b"y")),
    _wrong("a continuation of nothing", Frame(CONTINUATION, b"x")),
    _wrong("a continuation of nothing, not the last", Frame(CONTINUATION, b"x", fin=False)),
    _wrong("a continuation after a message", Frame(CONTINUATION, b"x"), before=[_HELLO]),
    _wrong("a message in a message", Frame(TEXT, b"x", fin=False), Frame(TEXT, b"y")),
    _wrong("a close between", Frame(TEXT, b"x", fin=False), closing(1000)),
)
TEXTS = (
    _echo("many letters", _text(_UTF8)),
    _echo("many letters byte by byte", _text(_UTF8), pieces=80),
    _echo("letters in fragments", *_split(_UTF8.encode(), 20)),
    _echo("letters cut by fragments", *_split(_UTF8.encode(), 1)),
    *(_wrong(name, Frame(TEXT, text), code=1007) for name, text in _BROKEN_UTF8.items()),
    *(_wrong(f"{name}, in fragments", *_split(text, 1), code=1007) for name, text in _BROKEN_UTF8.items()),
    _echo("bytes that are no text", Frame(BINARY, b"\xfe\xfe\xff\xff")),
)
CLOSES = (
    Case("without a code", (_HELLO, Step([Frame(CLOSE)])), None),
    _wrong("half a code", Frame(CLOSE, b"\x03")),
    *(_wrong(f"code {code}", closing(code), code=code) for code in _LEGAL_CODES),
    *(_wrong(f"code {code}", closing(code)) for code in _ILLEGAL_CODES),
    _wrong("with a reason", closing(1000, b"Hello, world!"), code=1000),
    _wrong("with a long reason", closing(1000, b"*" * 123), code=1000),
    _wrong("with too long a reason", closing(1000, b"*" * 124)),
    _wrong("with a reason that is no text", closing(1000, b"\xce\xba\xed\xa0\x80"), code=1007),
    _wrong("twice", closing(1000), closing(1000), code=1000),
    _wrong("and then a ping", closing(1000), Frame(PING), code=1000),
    _wrong("and then a message", closing(1000), _text("x"), code=1000),
)
LIMITS = (
    _echo("the longest text", *_split(b"*" * MAX_MESSAGE_BYTES, 65536)),
    _echo("the longest bytes, in many fragments", *_split(bytes(MAX_MESSAGE_BYTES), 4096, BINARY)),
    _wrong("too long a text", Frame(TEXT, b"*" * (MAX_MESSAGE_BYTES + 1)), code=1009),
    _wrong("too long in fragments", *_split(b"*" * (MAX_MESSAGE_BYTES + 1), 65536), code=1009),
    _echo("a hundred at once", *(Frame(BINARY, bytes([n]) * n) for n in range(100)), replies=100),
)
GROUND = {
    "framing": FRAMING,
    "pings": PINGS,
    "what is reserved": RESERVED,
    "fragments": FRAGMENTS,
    "texts": TEXTS,
    "closes": CLOSES,
    "limits": LIMITS,
}
