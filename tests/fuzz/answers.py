"""The reader of upstreams' answers: no error but its own, the same however bytes come, and as h11 has it."""

from contextlib import suppress
from dataclasses import dataclass

import h11
from hypothesis import strategies as st

from gateway.http.response_head import ResponseHead
from gateway.http.response_parser import (
    InvalidResponseError,
    ResponseParser,
    parse_common_head,
    parse_response_head,
)
from tests.fuzz.mutation import HTTP, SIGNS, cut, mutated
from tests.fuzz.target import Target

_OK = b"HTTP/1.1 200 OK\r\n"
EXAMPLES = (
    _OK + b"Content-Length: 5\r\n\r\nhello",
    _OK + b"Content-Length: 0\r\n\r\n" + _OK,
    _OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
    _OK + b"X: y\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    + _OK
    + b"Content-Length: 1\r\n\r\nx",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    b"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n",
    b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
    b"HTTP/1.1 500 \r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nConnection: close\r\n\r\n\xff\x00",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the answer is to."""

    method: str
    upgrade: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """What came of an answer; `ended` also with the connection's end."""

    heads: tuple[ResponseHead, ...]
    body: bytes
    rest: bytes
    ended_by_itself: bool
    ended: bool


def read(pieces: list[bytes], asked: Asked) -> Read | None:
    """None where it is broken."""
    reader = ResponseParser(has_body=asked.method != "HEAD", upgrade=asked.upgrade)
    heads: list[ResponseHead] = []
    body = b""
    try:
        for piece in pieces:
            for event in reader.feed(piece):
                if isinstance(event, ResponseHead):
                    heads.append(event)
                else:
                    assert event, "an empty piece"
                    body += event
    except InvalidResponseError:
        return None
    by_itself = reader.ended
    with suppress(InvalidResponseError):
        reader.feed_eof()
    return Read(tuple(heads), body, reader.rest, by_itself, reader.ended)


def check(given: tuple[tuple[bytes, list[bytes]], Asked]) -> None:
    """Of an answer, in one piece and in several, to a request."""
    (data, pieces), asked = given
    found = read([data], asked)
    assert read(pieces, asked) == found
    if found is not None and found.ended and found.heads[-1].status != 101:
        _check_with_h11(data, asked, found)


def _check_with_h11(data: bytes, asked: Asked, found: Read) -> None:
    """What a second reader takes at all it takes for the same."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
    connection.send(
        h11.Request(method=asked.method, target="/", headers=[("Host", "a"), ("Connection", "close")])
    )
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    if not found.ended_by_itself:
        connection.receive_data(b"")
    heads: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    body = b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            assert event is not h11.NEED_DATA, "it waits for more"
            if isinstance(event, h11.Response | h11.InformationalResponse):
                heads.append((event.status_code, _plain(list(event.headers))))
            elif isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        return
    assert [(head.status, _plain(head.fields)) for head in found.heads] == heads
    assert found.body == body


def _plain(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without what one of the two leaves out where there is no body."""
    return [(name.lower(), value) for name, value in fields if name.lower() != b"content-length"]


ASKED = st.builds(
    Asked,
    method=st.sampled_from(["GET", "GET", "HEAD", "POST"]),
    upgrade=st.sampled_from([b"", b"websocket"]),
)


def check_heads(data: bytes) -> None:
    """The quick reader of heads says the same as the plain one, or nothing."""
    for text in data.split(b"\r\n\r\n"):
        for has_body in (True, False):
            found = parse_common_head(text, has_body=has_body)
            assert found is None or found == parse_response_head(text, has_body=has_body)


TARGETS = (
    Target("usual heads", mutated(EXAMPLES, SIGNS + HTTP), check_heads),
    Target("answers", st.tuples(cut(mutated(EXAMPLES, SIGNS + HTTP)), ASKED), check),
    Target("answers of any bytes", st.tuples(cut(st.binary(max_size=200)), ASKED), check),
)
