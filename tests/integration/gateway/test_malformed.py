"""What is not HTTP, or could be read in two ways, is refused and goes nowhere."""

import json

import pytest

from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream

HOST = b"Host: service.example\r\n"
KEY = b"X-API-Key: key-1\r\n"
HEAD = b"GET / HTTP/1.1\r\n" + HOST + KEY
POST = b"POST / HTTP/1.1\r\n" + HOST + KEY
CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"

MALFORMED = {
    "no HTTP at all": (400, b"hello\r\n\r\n"),
    "another protocol": (400, b"GET /version FOO/1.1\r\n\r\n"),
    "a line that ends without CR": (400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    "a field that ends without CR": (400, b"GET / HTTP/1.1\r\nHost: a\nX-API-Key: b\r\n\r\n"),
    "CR in a value": (400, HEAD + b"X: a\rb\r\n\r\n"),
    "NUL in a value": (400, HEAD + b"X: a\0b\r\n\r\n"),
    "a folded field": (400, HEAD + b"X: a\r\n b\r\n\r\n"),
    "a space before the colon": (400, HEAD + b"X : a\r\n\r\n"),
    "a field without a name": (400, HEAD + b": a\r\n\r\n"),
    "bytes beyond ASCII in the target": (400, b"GET /\xff HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "no Host": (400, b"GET / HTTP/1.1\r\n" + KEY + b"\r\n"),
    "two Hosts": (400, HEAD + HOST + b"\r\n"),
    "a target that names another host": (400, b"GET http://b/ HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "a target with a user": (400, b"GET http://[::1]:80@/x HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "a target with a fragment": (400, b"GET /a#b HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "a name that shadows the key": (400, HEAD + b"X_API_Key: key-2\r\n\r\n"),
    "another expectation": (417, POST + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc"),
    "two lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"),
    "a list of lengths": (400, POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, POST + b"Content-Length: +3\r\n\r\nabc"),
    "a length and chunks": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" + CHUNKS),
    "chunks and a length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" + CHUNKS),
    "chunks in HTTP/1.0": (
        400,
        b"POST / HTTP/1.0\r\n" + HOST + KEY + b"Transfer-Encoding: chunked\r\n" + CHUNKS,
    ),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n" + CHUNKS),
    "two codings": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS),
    "no coding": (400, POST + b"Transfer-Encoding: \r\n\r\n"),
    "an unknown coding": (400, POST + b"Transfer-Encoding: xchunked\r\n" + CHUNKS),
    "a chunk that is none": (400, POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a long request line": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "a long field": (431, HEAD + b"X: " + b"a" * 17000 + b"\r\n\r\n"),
    "many fields": (431, HEAD + b"X: a\r\n" * 150 + b"\r\n"),
    "an unknown method": (501, b"BREW / HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "a method in small letters": (501, b"get / HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "CONNECT": (501, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n" + KEY + b"\r\nGET /x HTTP/1.1\r\n\r\n"),
    "TRACE": (501, b"TRACE / HTTP/1.1\r\n" + HOST + KEY + b"\r\n"),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "HTTP/1.2": (505, b"GET / HTTP/1.2\r\n" + HOST + KEY + b"\r\n"),
    "HTTP/2.0": (505, b"GET / HTTP/2.0\r\n" + HOST + KEY + b"\r\n"),
    "HTTP/0.9": (505, b"GET / HTTP/0.9\r\n" + HOST + KEY + b"\r\n"),
}


@pytest.mark.parametrize(("status", "message"), MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_message_is_refused_and_the_connection_closed(
    node: Node, upstream: Upstream, status: int, message: bytes
) -> None:
    async with await node.connect() as client:
        await client.send(message)
        answer = await client.answer()
        assert await client.rest() == b""

    assert answer.status == status
    assert answer.closes
    assert answer.value("Content-Type") == b"application/problem+json"
    assert answer.values("Server") == answer.values("RateLimit") == []
    assert json.loads(answer.body)["status"] == status
    assert b"Traceback" not in answer.body
    assert b"aiohttp" not in answer.body
    assert upstream.requests == []
    record = await node.settled()
    assert record.malformed == 1
    assert record.boot.requests == 0


async def test_what_follows_a_malformed_message_is_not_read(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.send(b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n" + request())
        assert (await client.answer()).status == 501
        assert await client.rest() == b""

    assert upstream.requests == []


async def test_garbage_behind_a_request_is_answered_after_it(node: Node) -> None:
    async with await node.connect() as client:
        assert (await client.get()).status == 200
        await client.send(b"GET garbage\r\n\r\n")
        assert (await client.answer()).status == 400
        assert await client.rest() == b""

    assert (await node.settled()).boot.admitted == 1


async def test_a_connection_that_says_nothing_is_no_request(node: Node) -> None:
    async with await node.connect() as client:
        await client.send(b"GET / HT")
    async with await node.connect():
        pass

    record = await node.settled()
    assert (record.malformed, record.boot.requests) == (0, 0)
