"""The quick reader of heads and its plain twin say the same, or the quick one says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import (
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    InvalidResponseError,
    parse_common_head,
    parse_response_head,
)
from tests.fuzz.answers import EXAMPLES
from tests.unit.gateway.proxy.answers import BROKEN, CUT_OFF, OK, WELL_FORMED

DATE = b"Date: Wed, 25 Nov 2026 00:00:00 GMT\r\n"
USUAL = {
    "of nginx": OK
    + b"Server: nginx/1.25.3\r\n"
    + DATE
    + b"Content-Type: text/html\r\nContent-Length: 615\r\nLast-Modified: Tue, 24 Oct 2023 13:46:47 GMT\r\n"
    b'Connection: keep-alive\r\nETag: "6537cac7-267"\r\nAccept-Ranges: bytes',
    "of Node.js": OK
    + b"X-Powered-By: Express\r\nContent-Type: application/json; charset=utf-8\r\n"
    + DATE
    + b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked",
    "of uvicorn": OK + b"date: x\r\nserver: uvicorn\r\ncontent-length: 2\r\ncontent-type: text/plain",
    "of Rails": OK + b"X-Request-Id: 1-2\r\nX-Runtime: 0.01\r\nSet-Cookie: a=b; path=/\r\nContent-Length: 0",
    "that closes": OK + b"Connection: Close\r\nContent-Length: 2",
    "until the close": OK + b"Connection: close\r\nContent-Type: text/plain",
    "without content": b"HTTP/1.1 204 No Content\r\n" + DATE + b"Server: x",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5',
    "of an error": b"HTTP/1.1 500 \r\nContent-Length: 2",
    "with limits": OK + b"X-RateLimit-Remaining: 1\r\nContent-Length: 2",
}


def plain(text: bytes, *, has_body: bool) -> ResponseHead | None:
    """What the plain reader says; None where that is broken."""
    try:
        return parse_response_head(text, has_body=has_body)
    except InvalidResponseError:
        return None


@pytest.mark.parametrize("has_body", [True, False])
@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL)
def test_heads_as_servers_write_them_are_read_at_once(text: bytes, has_body: bool) -> None:
    found = parse_common_head(text, has_body=has_body)
    assert found is not None
    assert found == plain(text, has_body=has_body)


ANSWERS = [each for each, *_ in WELL_FORMED.values()] + [*BROKEN.values(), *CUT_OFF.values(), *EXAMPLES]
MANY = {
    "as many fields as may be": OK + b"X: y\r\n" * (MAX_FIELDS - 1) + b"Content-Length: 1",
    "one more": OK + b"X: y\r\n" * MAX_FIELDS + b"Content-Length: 1",
    "a field as long as may be": OK + b"X: " + b"y" * (MAX_FIELD_BYTES - 3),
    "one byte more": OK + b"X: " + b"y" * (MAX_FIELD_BYTES - 2),
}


def heads_of(answer: bytes) -> list[bytes]:
    """The heads in it, and a part of one if that is the last."""
    return answer.split(b"\r\n\r\n")


@pytest.mark.parametrize("has_body", [True, False])
@pytest.mark.parametrize("answer", [*ANSWERS, *MANY.values()])
def test_both_readers_say_the_same_of_what_others_try(answer: bytes, has_body: bool) -> None:
    for text in heads_of(answer):
        check(text, has_body=has_body)


def check(text: bytes, *, has_body: bool) -> None:
    found = parse_common_head(text, has_body=has_body)
    assert found is None or found == plain(text, has_body=has_body)


NAMES = st.sampled_from(
    [
        *(
            b"Connection",
            b"connection",
            b"Transfer-Encoding",
            b"Content-Length",
            b"content-length",
            b"Upgrade",
        ),
        *(
            b"Keep-Alive",
            b"Close",
            b"TE",
            b"Trailer",
            b"Proxy-Authenticate",
            b"X-Request-ID",
            b"Date",
            b"X-A",
        ),
        *(b"X(", b"", b" X", b"Content-Length ", b"X-Content-Length", b"TEA"),
    ]
)
VALUES = st.sampled_from(
    [
        *(b"close", b"keep-alive", b"Keep-Alive, x-a", b"chunked", b"Chunked", b"gzip, chunked", b"5", b"0"),
        *(b"05", b"+5", b"5, 5", b"1" * 18, b"1" * 19, b"a: b", b"", b" ", b"\xff", b"a\tb", b"a ", b"a\x01"),
        *(b"a\r", b"a\nb", b"a\r\n b", b"connection: close", b"x-a", b"\xb2"),
    ]
)
SEPARATORS = st.sampled_from([b": ", b": ", b": ", b": ", b":", b":\t", b" : ", b""])
STARTS = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 204 None"),
        *(b"HTTP/1.1 304 None", b"HTTP/1.1 205 Reset", b"HTTP/1.1 101 Yes", b"HTTP/1.1 103 Early"),
        *(
            b"HTTP/1.0 200 OK",
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 ",
            b"HTTP/1.1  200 OK",
            b"HTTP/1.1 600 No",
            b"",
        ),
    ]
)
LINES = st.lists(st.builds(lambda *parts: b"".join(parts), NAMES, SEPARATORS, VALUES), max_size=6)


@given(st.builds(lambda start, lines: b"\r\n".join([start, *lines]), STARTS, LINES), st.booleans())
def test_both_readers_say_the_same(text: bytes, has_body: bool) -> None:
    check(text, has_body=has_body)


def test_what_is_read_at_once_goes_on_as_it_is() -> None:
    text = OK + b"A: b\r\nContent-Length: 2\r\nC: d"
    found = parse_common_head(text, has_body=True)
    assert found is not None
    assert found.end_to_end_text is found.text
