"""Of what a request breaks, the rule is told that it breaks."""

import pytest

from gateway.http.request_parser import RequestParser
from gateway.http.rules import (
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    BadRequestError,
    Rule,
)

GET = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

BROKEN = {
    Rule.CONTROLS: [GET + HOST + b"X: a\0b\r\n", b"GET /\x7f HTTP/1.1\r\n"],
    Rule.LINE_END: [GET + HOST + b"X: a\rb\r\n", b"GET / HTTP/1.1\n", GET + HOST + b"X: a\n"],
    Rule.FOLDED: [GET + HOST + b"X: a\r\n b\r\n", GET + b" Host: a\r\n"],
    Rule.LONG_LINE: [b"GET /" + b"a" * MAX_LINE_BYTES],
    Rule.LONG_FIELD: [GET + HOST + b"X: " + b"a" * MAX_FIELD_BYTES],
    Rule.MANY_FIELDS: [GET + HOST + b"X: a\r\n" * MAX_FIELDS],
    Rule.LONG_HEAD: [GET + HOST + (b"X: " + b"a" * 8000 + b"\r\n") * (MAX_HEAD_BYTES // 8000 + 1)],
    Rule.REQUEST_LINE: [b"GET  / HTTP/1.1\r\n", b"GET /\r\n", b" GET / HTTP/1.1\r\n"],
    Rule.VERSION: [b"GET / HTTP/2.0\r\n", b"GET / HTTP/1.2\r\n"],
    Rule.METHOD: [b"TRACE / HTTP/1.1\r\n", b"get / HTTP/1.1\r\n"],
    Rule.TARGET: [b"GET a HTTP/1.1\r\n" + HOST, b"GET /\xe4 HTTP/1.1\r\n" + HOST],
    Rule.FRAGMENT: [b"GET /#a HTTP/1.1\r\n" + HOST],
    Rule.ASTERISK: [b"GET * HTTP/1.1\r\n" + HOST],
    Rule.ABSOLUTE: [b"GET ftp://a/ HTTP/1.1\r\n" + HOST, b"GET http:///a HTTP/1.1\r\n" + HOST],
    Rule.OTHER_HOST: [b"GET http://b/ HTTP/1.1\r\n" + HOST],
    Rule.FIELD: [GET + b"Host : a\r\n", GET + HOST + b": a\r\n", GET + HOST + b"a\r\n"],
    Rule.NO_HOST: [GET],
    Rule.HOST: [GET + b"Host: a b\r\n", GET + HOST + HOST, GET + b"Host: a:b\r\n"],
    Rule.AMBIGUOUS_NAME: [GET + HOST + b"X_API_Key: a\r\n"],
    Rule.LENGTH: [GET + HOST + b"Content-Length: " + length + b"\r\n" for length in (b"-1", b"1,2", b"1, 1")],
    Rule.LENGTH_AND_CODING: [GET + HOST + CHUNKED + b"Content-Length: 1\r\n"],
    Rule.CODING: [GET + HOST + CHUNKED + CHUNKED, GET + HOST + b"Transfer-Encoding: chunked, gzip\r\n"],
    Rule.UNKNOWN_CODING: [GET + HOST + b"Transfer-Encoding: br, chunked\r\n"],
    Rule.OLD_CODING: [b"GET / HTTP/1.0\r\n" + HOST + CHUNKED],
    Rule.CHUNKS: [GET + HOST + CHUNKED + b"\r\nx\r\n", GET + HOST + CHUNKED + b"\r\n1\r\nab"],
    Rule.EXPECTATION: [GET + HOST + b"Expect: a\r\n"],
}
BY_WHO_FORWARDS = {Rule.FORWARDED, Rule.FORWARDS}
"""What a node's settings, and the proxies before it, make of a head."""


@pytest.mark.parametrize(
    ("rule", "request_"),
    [
        pytest.param(rule, request, id=f"{rule.name}-{number}")
        for rule, requests in BROKEN.items()
        for number, request in enumerate(requests)
    ],
)
def test_a_request_is_told_the_rule_that_it_breaks(rule: Rule, request_: bytes) -> None:
    with pytest.raises(BadRequestError) as found:
        RequestParser().feed(request_ + b"\r\n")
    assert found.value.rule is rule
    assert (found.value.status, found.value.detail) == (rule.status, rule.detail)


def test_each_rule_is_broken_here() -> None:
    assert BROKEN.keys() | BY_WHO_FORWARDS == set(Rule)
