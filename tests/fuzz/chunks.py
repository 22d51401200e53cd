"""The reader of chunks: no error but its own, the same however bytes come, and what was put into chunks."""

from hypothesis import strategies as st

from gateway.http.chunked import ChunkError, ChunkReader
from tests.fuzz.mutation import SIGNS, cut, mutated
from tests.fuzz.target import Target

_EXAMPLES = (
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\na\r\n0123456789\r\n000\r\n\r\nmore",
    b'5;a=b;c="d;\\"e"\r\nhello\r\n0;f\r\n\r\n',
    b"1\r\nh\r\n1\r\ne\r\n0\r\nX: y\r\nX-Sum: 1\r\n\r\n",
)
_EXTENSIONS = st.sampled_from([b"", b"", b";a", b";a=b", b' ; a = "b;\\"c"', b";a;b=c"])


def read(pieces: list[bytes]) -> tuple[bytes, bytes, bool] | None:
    """The body, what follows it, and whether it has ended; None where it is broken."""
    reader = ChunkReader()
    body = b""
    try:
        for number, piece in enumerate(pieces):
            if reader.ended:
                return body, reader.rest + b"".join(pieces[number:]), True
            found = reader.feed(piece)
            assert all(found), "an empty piece"
            body += b"".join(found)
    except ChunkError:
        return None
    return body, reader.rest, reader.ended


def check(given: tuple[bytes, list[bytes]]) -> None:
    """Of bytes, whole and in pieces."""
    data, pieces = given
    assert read(pieces) == read([data])


def check_made(given: tuple[list[tuple[bytes, bytes]], bytes, list[int]]) -> None:
    """Of chunks that are well-formed, with what follows them, cut at some places."""
    chunks, rest, places = given
    data = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk, extension in chunks)
    data += b"0\r\n\r\n" + rest
    at = sorted(min(place, len(data)) for place in places)
    pieces = [data[one:other] for one, other in zip([0, *at], [*at, len(data)], strict=True)]
    assert read(pieces) == (b"".join(chunk for chunk, _ in chunks), rest, True)


TARGETS = (
    Target("chunks", cut(mutated(_EXAMPLES, SIGNS)), check),
    Target(
        "chunks that are well-formed",
        st.tuples(
            st.lists(st.tuples(st.binary(min_size=1, max_size=40), _EXTENSIONS), max_size=5),
            st.binary(max_size=10),
            st.lists(st.integers(0, 300), max_size=5),
        ),
        check_made,
    ),
)
