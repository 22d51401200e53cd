"""A memo hit gives what the full parser would, whatever was remembered before."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.access import TrustedProxies
from gateway.http.request_parser import PROTECTED_NAMES
from gateway.http.upstream_request import UpstreamRequestBuilder
from gateway.proxy.inbound_request import Preflight
from gateway.proxy.simple_request import SimpleRequestParser

KEY = b"X-API-Key: k"
LENGTH = b"Content-Length: 5"
ODD_LENGTHS = [b"Content-Length: 05", b"Content-Length: 00", b"Content-Length: 0"]
HOST = b"Host: a.example"
LINES = [
    KEY,
    b"x-api-key: k2",
    b"Authorization: Bearer k",
    LENGTH,
    HOST,
    b"Host: b.example",
    b"X-A: 1",
    b"X-Z: 2",
]
ODD = [
    b"X-A: 1\x00",
    b"X-A: 1\x01",
    b"X-A: 1\x01\x00",
    b"\x01",
    b"\x00",
    b"X-A: 1\r",
    b"K",
    b"L",
    b": K",
    b"X-A: K",
]
WITH_BODY = b"POST /b HTTP/1.1", [b"X-A: 1", LENGTH, KEY, HOST, b"X-Z: 2"], b"12345"
WITHOUT_BODY = b"GET /b HTTP/1.1", [b"X-A: 1\x01", KEY, HOST, b"X-Z: 2"], b""

Message = tuple[bytes, list[bytes], bytes]

messages = st.tuples(
    st.sampled_from([b"GET /b HTTP/1.1", b"POST /b HTTP/1.1"]),
    st.lists(st.one_of(st.sampled_from([*LINES, *ODD_LENGTHS]), st.sampled_from(ODD)), max_size=6),
    st.sampled_from([b"", b"12345"]),
)


def reader() -> SimpleRequestParser:
    request_builder = UpstreamRequestBuilder(
        "node-1", key_header="X-API-Key", forwards_key=False, client_header=None
    )
    return SimpleRequestParser(
        request_builder, Preflight("node-1", TrustedProxies(""), 0), PROTECTED_NAMES, "X-API-Key"
    )


def read(by: SimpleRequestParser, message: Message) -> tuple[bytes, bytes] | None:
    """What goes up of a message and the host by which its route is found; None where the parser must say."""
    line, fields, body = message
    data = b"\r\n".join([line, *fields, b"", b""]) + body
    request = by.read(data, "192.0.2.1", b"http", is_trusted=False)
    return None if request is None else (request.render("id", "", b""), request.host)


@given(st.lists(messages, max_size=4), messages)
@example([WITH_BODY], WITHOUT_BODY)
def test_what_was_remembered_changes_no_later_request(before: list[Message], message: Message) -> None:
    used = reader()
    for each in before:
        read(used, each)

    assert read(used, message) == read(reader(), message)


def test_a_length_with_leading_zeros_is_left_to_the_parser() -> None:
    line, fields, body = WITH_BODY

    assert read(reader(), WITH_BODY) is not None
    for length in (b"Content-Length: 05", b"Content-Length: 00005"):
        assert (
            read(reader(), (line, [length if field == LENGTH else field for field in fields], body)) is None
        )
    assert read(reader(), (b"GET / HTTP/1.1", [KEY, HOST, b"Content-Length: 00"], b"")) is None
