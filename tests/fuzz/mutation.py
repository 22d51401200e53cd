"""Inputs that are almost right: examples with a few things cut out, put in, doubled or swapped."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

MAX_EDITS = 4
_LF = 0x0A

SIGNS = (
    *(b"\r", b"\n", b"\r\n", b"\n\r", b"\r\n\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\x80", b"\xff"),
    *(b":", b",", b";", b"=", b'"', b"\\", b"/", b"#", b"%", b"?", b"@", b"*", b"[", b"]", b"_", b"-", b"+"),
    *(b"0", b"1", b"5", b"a", b"0x", b"00", b"18446744073709551616", b"9999999999999999999"),
)
HTTP = (
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Host: service.example\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"5;a=b\r\n",
        b"X: y\r\n",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b"GET / HTTP/1.1\r\n",
    ),
)


@st.composite
def mutated(draw: st.DrawFn, examples: Sequence[bytes], pieces: Sequence[bytes] = SIGNS) -> bytes:
    """One of `examples` with up to MAX_EDITS edits, of which some put in `pieces` or parts of the others.

    Every other edit is where a line begins.
    """
    data = draw(st.sampled_from(examples))
    inserted = st.sampled_from(pieces) | st.binary(min_size=1, max_size=4)
    for _ in range(draw(st.integers(0, MAX_EDITS))):
        lines = [0, *(place + 1 for place, byte in enumerate(data) if byte == _LF)]
        at = draw(st.sampled_from(lines) | st.integers(0, len(data)))
        upto = min(len(data), at + draw(st.integers(0, 12)))
        match draw(st.sampled_from(("put in", "replace", "cut out", "double", "splice", "cut off"))):
            case "put in":
                data = data[:at] + draw(inserted) + data[at:]
            case "replace":
                data = data[:at] + draw(inserted) + data[upto:]
            case "cut out":
                data = data[:at] + data[upto:]
            case "double":
                data = data[:upto] + data[at:]
            case "splice":
                other = draw(st.sampled_from(examples))
                data = data[:at] + other[draw(st.integers(0, len(other))) :]
            case _:
                data = data[:at]
    return data


@st.composite
def cut(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """Bytes, and the same in pieces: at a few places, or each byte by itself."""
    data = draw(whole)
    if draw(st.booleans()) and len(data) < 2000:
        return data, [data[place : place + 1] for place in range(len(data))]
    places = draw(st.sets(st.integers(0, len(data)), max_size=6))
    return data, [data[one:other] for one, other in pairwise(sorted({0, *places, len(data)}))]
