"""One connection's requests: the same events whatever the pieces in which the bytes come."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.request_parser import RequestHead, RequestParser
from gateway.http.rules import MAX_FIELDS, MAX_HEAD_BYTES, BadRequestError, Rule

HEAD = b"GET /a HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

STREAMS = {
    "two requests": HEAD + b"\r\n" + HEAD + b"\r\n",
    "a body, an empty line, a request": POST + b"Content-Length: 5\r\n\r\nhello\r\n" + HEAD + b"\r\n",
    "chunks with extension and trailer": CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n" + HEAD + b"\r\n",
    "a chunk that is too long": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a CR too many": HEAD + b"X: a\r\r\n\r\n",
    "a control behind too long a line": b"GET /" + b"a" * 9000 + b"\0 HTTP/1.1\r\n\r\n",
    "two empty lines": b"\r\n\r\n" + HEAD + b"\r\n",
    "a fault behind a good request": HEAD
    + b"\r\n"
    + POST
    + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "half a request": HEAD,
    "too many fields": HEAD + b"X: a\r\n" * MAX_FIELDS + b"\r\n",
    "too long a head": HEAD + (b"X: " + b"a" * 8000 + b"\r\n") * 9,
}


Request = tuple[RequestHead, bytes]


def read(pieces: list[bytes]) -> list[Request | Rule]:
    """The requests that come whole of the pieces, and the rule that the next one breaks."""
    reader, found = RequestParser(), list[Request | Rule]()
    events: list[RequestHead | bytes] = []
    try:
        for piece in pieces:
            events += reader.feed(piece)
            while reader.ended:
                head, *body = events
                assert isinstance(head, RequestHead)
                found.append((head, b"".join(part for part in body if isinstance(part, bytes))))
                events = reader.next_request()
    except BadRequestError as malformed:
        found.append(malformed.rule)
    return found


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@given(cuts=st.sets(st.integers(0, 300), max_size=12))
def test_the_pieces_in_which_bytes_come_change_nothing(stream: bytes, cuts: set[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]

    assert read([piece for piece in pieces if piece]) == read([stream])


@pytest.mark.parametrize("stream", [stream for stream in STREAMS.values() if len(stream) < 300])
def test_byte_by_byte_it_is_the_same(stream: bytes) -> None:
    assert read([bytes([byte]) for byte in stream]) == read([stream])


def test_requests_are_read_one_at_a_time() -> None:
    reader = RequestParser()
    second = POST + b"Content-Length: 2\r\n\r\nhi"
    (first,) = reader.feed(HEAD + b"\r\n" + second)

    assert isinstance(first, RequestHead)
    assert (first.target, reader.ended, reader.held) == (b"/a", True, second)
    assert reader.feed(b"!") == []
    head, body = reader.next_request()
    assert isinstance(head, RequestHead)
    assert (head.target, body, reader.held) == (b"/b", b"hi", b"!")


def test_an_empty_line_before_a_request_is_ignored_and_a_second_one_is_not() -> None:
    assert read([b"\r\n" + HEAD + b"\r\n"]) == read([HEAD + b"\r\n"])
    assert len(read([HEAD + b"\r\n"])) == 1
    assert read([b"\r\n\r\n" + HEAD + b"\r\n"]) == [Rule.REQUEST_LINE]


def test_what_is_malformed_knows_its_method_as_soon_as_there_is_one() -> None:
    with pytest.raises(BadRequestError) as found:
        RequestParser().feed(b"HEAD / HTTP/1.1\r\nHost : a\r\n\r\n")
    assert (found.value.rule, found.value.method) == (Rule.FIELD, "HEAD")
    with pytest.raises(BadRequestError) as found:
        RequestParser().feed(b"HEAD  / HTTP/1.1\r\n")
    assert (found.value.rule, found.value.method) == (Rule.REQUEST_LINE, "")


def test_a_head_is_bounded_also_before_its_end() -> None:
    reader = RequestParser()
    line = b"X: " + b"a" * 8000 + b"\r\n"
    reader.feed(HEAD + line * ((MAX_HEAD_BYTES - len(HEAD)) // len(line)))

    with pytest.raises(BadRequestError) as found:
        reader.feed(line[:-2])
    assert found.value.rule is Rule.LONG_HEAD
