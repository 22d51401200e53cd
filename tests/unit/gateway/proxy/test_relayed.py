"""What goes to the client of an upstream's head, and what the node adds."""

from gateway.http.fields import CHUNKED, CLOSE, Fields, render_fields
from gateway.http.response_head import render_relayed_head
from gateway.http.response_parser import parse_response_head

NOW = 784111777.5
LIMITS: Fields = [(b"RateLimit", b'"default";r=1;t=2')]


def sent(head: bytes, connection: Fields, *, chunked: bool = False, limits: Fields = LIMITS) -> list[bytes]:
    """The render_fields that go to the client."""
    connection = [*connection, CHUNKED] if chunked else connection
    data = render_relayed_head(
        parse_response_head(head),
        render_fields(limits),
        render_fields(connection),
        "an-id",
        "node-1",
        now=NOW,
    )
    assert data.endswith(b"\r\n\r\n")
    return data.removesuffix(b"\r\n\r\n").split(b"\r\n")


def test_status_reason_and_end_to_end_fields_go_on_and_the_nodes_own_follow() -> None:
    head = (
        b"HTTP/1.1 299 Odd \xe9\r\nSERVER:\xff \r\nDate: yesterday\r\nSet-Cookie: a\r\nKeep-Alive: 5\r\n"
        b"Set-Cookie: b\r\nx-request-ID: theirs\r\nConnection: X-One\r\nX-One: 1"
    )
    assert sent(head, []) == [
        b"HTTP/1.1 299 Odd \xe9",
        b"SERVER: \xff",
        b"Date: yesterday",
        b"Set-Cookie: a",
        b"Set-Cookie: b",
        b'RateLimit: "default";r=1;t=2',
        b"Via: 1.1 node-1",
        b"X-Request-Id: an-id",
    ]


def test_a_head_without_a_date_gets_one_and_the_framing_is_the_nodes() -> None:
    head = b"HTTP/1.0 200 OK\r\nExpires: 0\r\nConnection: keep-alive"
    assert sent(head, CLOSE, chunked=True, limits=[]) == [
        b"HTTP/1.1 200 OK",
        b"Expires: 0",
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT",
        b"Via: 1.0 node-1",
        b"X-Request-Id: an-id",
        b"Connection: close",
        b"Transfer-Encoding: chunked",
    ]


def test_limits_of_the_upstreams_stand_behind_the_nodes() -> None:
    head = b'HTTP/1.1 200 OK\r\nDate: x\r\nrateLIMIT: "theirs";r=5\r\nA: b'
    assert sent(head, [])[2:4] == [b"A: b", b'RateLimit: "default";r=1;t=2, "theirs";r=5']
