"""What a head says, and what none may say. `tests/corpus/` has many more that none may."""

import pytest

from gateway.http.fields import Fields
from gateway.http.request_parser import RequestHead, build_head, parse_request_line
from gateway.http.rules import METHODS, BadRequestError, Rule

HOST = (b"Host", b"a:80")


def head(line: bytes = b"GET / HTTP/1.1", *fields: tuple[bytes, bytes]) -> RequestHead:
    return build_head(parse_request_line(line), list(fields or [HOST]))


def rule(line: bytes = b"GET / HTTP/1.1", *fields: tuple[bytes, bytes]) -> Rule:
    with pytest.raises(BadRequestError) as found:
        head(line, *fields)
    return found.value.rule


@pytest.mark.parametrize("method", sorted(METHODS))
def test_these_methods_are_served(method: str) -> None:
    assert head(method.encode() + b" / HTTP/1.1").method == method


@pytest.mark.parametrize(
    ("method", "sent", "target"),
    [
        (b"GET", b"/a?", b"/a?"),
        (b"GET", b"//b/../%2e%2E/c|d", b"//b/../%2e%2E/c|d"),
        (b"OPTIONS", b"*", b"*"),
        (b"GET", b"http://a:80/b?c", b"/b?c"),
        (b"GET", b"HTTPS://A:80", b"/"),
        (b"GET", b"http://a:80?b", b"/?b"),
        (b"OPTIONS", b"http://a:80", b"*"),
    ],
)
def test_a_target_comes_out_in_origin_form(method: bytes, sent: bytes, target: bytes) -> None:
    found = head(method + b" " + sent + b" HTTP/1.1")

    assert (found.target, found.host.lower()) == (target, b"a:80")


def test_the_target_names_the_host_where_http_1_0_has_none() -> None:
    found = build_head(parse_request_line(b"GET http://b/c HTTP/1.0"), [])

    assert (found.host, found.target) == (b"b", b"/c")
    assert build_head(parse_request_line(b"GET /c HTTP/1.0"), []).host == b""


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ([], 0),
        ([(b"Content-Length", b"0")], 0),
        ([(b"content-length", b"007")], 7),
        ([(b"Content-Length", b"9" * 18)], 10**18 - 1),
        ([(b"Transfer-Encoding", b"Chunked")], None),
    ],
)
def test_the_length_of_a_body(fields: Fields, length: int | None) -> None:
    found = head(b"POST / HTTP/1.1", HOST, *fields)

    assert (found.length, found.has_body) == (length, length != 0)


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"x, Close", False),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_whether_the_connection_stays(version: bytes, connection: bytes, stays: bool) -> None:
    assert head(b"GET / HTTP/" + version, HOST, (b"Connection", connection)).keep_alive is stays


def test_an_expectation_is_one_of_http_1_1_only() -> None:
    expects = (b"Expect", b"100-Continue")

    assert head(b"POST / HTTP/1.1", HOST, expects).expects_continue
    assert not head(b"POST / HTTP/1.0", HOST, expects).expects_continue
    assert rule(b"POST / HTTP/1.1", HOST, (b"Expect", b"x")) is Rule.EXPECTATION


def test_an_offer_to_switch_names_one_protocol_and_is_a_hop_of_http_1_1() -> None:
    offer = [HOST, (b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"WebSocket")]

    assert head(b"GET / HTTP/1.1", *offer).upgrade == b"websocket"
    assert head(b"GET / HTTP/1.0", *offer).upgrade == b""
    assert head(b"GET / HTTP/1.1", *offer, (b"Upgrade", b"h2c")).upgrade == b""
    assert head(b"GET / HTTP/1.1", HOST, (b"Upgrade", b"websocket")).upgrade == b""


@pytest.mark.parametrize("name", [b"SCRIPT_NAME", b"path_INFO", b"REMOTE_USER", b"Request_Method"])
def test_no_name_is_a_variable_of_cgi(name: bytes) -> None:
    assert rule(b"GET / HTTP/1.1", HOST, (name, b"/x")) is Rule.AMBIGUOUS_NAME


@pytest.mark.parametrize(
    "name", [b"Content_Length", b"X_API-KEY", b"x-forwarded_for", b"X_Request_Id", b"X.Real.IP", b"X!Api~Key"]
)
def test_no_name_passes_for_another(name: bytes) -> None:
    assert rule(b"GET / HTTP/1.1", HOST, (name, b"1")) is Rule.AMBIGUOUS_NAME


def test_names_with_underscores_pass_where_they_are_nobody_elses() -> None:
    assert head(b"GET / HTTP/1.1", HOST, (b"my_field", b"1"), (b"My_Field", b"2")).fields[-1][1] == b"2"
    assert len(head(b"GET / HTTP/1.1", HOST, (b"a.b", b"1"), (b"sentry$trace", b"2")).fields) == 3
    assert rule(b"GET / HTTP/1.1", HOST, (b"a_b-c", b"1"), (b"a-b_c", b"2")) is Rule.AMBIGUOUS_NAME
    assert rule(b"GET / HTTP/1.1", HOST, (b"a.b", b"1"), (b"a-b", b"2")) is Rule.AMBIGUOUS_NAME
