"""What goes through the gateway goes through as it came."""

from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
RATE_LIMIT = (b"RateLimit-Policy", b"RateLimit")

TARGETS = [
    b"/a?",
    b"//x",
    b"/%2e%2e%2f",
    b"/../a/./b",
    b"/a%00?b",
    b"/?a=%C3%A9&a=+&&b[]={}|\"'<>^`",
    b"/a;b=c,d:@!$&*()",
    b"/%zz%",
    b"*",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_a_request_target_goes_on_byte_for_byte(node: Node, upstream: Upstream, target: bytes) -> None:
    method = b"OPTIONS" if target == b"*" else b"GET"
    async with await node.connect() as client:
        answer = await client.get(target, method=method)

    assert answer.status == 200
    assert upstream.requests[-1].start_line == b"%b %b HTTP/1.1" % (method, target)


async def test_a_requests_fields_go_on_in_their_order_and_case_and_bytes(
    node: Node, upstream: Upstream
) -> None:
    lines = (b"aCCept: */*", b"X-Latin: \xe9\xff", b"X-Two: 1", b"Cookie: a=b", b"X-Two: 2", b"x-empty: ")
    async with await node.connect() as client:
        await client.get(b"/", *lines)

    assert upstream.requests[-1].lines[:-1] == (
        b"Host: service.example",
        *lines,
        b"X-API-Key: key-1",
        b"X-Forwarded-For: 127.0.0.1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: service.example",
        b"Forwarded: for=127.0.0.1;host=service.example;proto=http",
        b"Via: 1.1 node-1",
    )
    assert upstream.requests[-1].lines[-1].startswith(b"X-Request-Id: ")


async def test_an_answers_fields_go_on_in_their_order_and_case_and_bytes(
    node: Node, upstream: Upstream
) -> None:
    lines = (b"sErver: \xe9\xff", b"Set-Cookie: a=1", b"Date: x", b"set-cookie: b=2", b"Content-Length: 2")
    upstream.script = upstream.answering(b"HTTP/1.1 299 Odd \xe9\r\n" + b"\r\n".join(lines) + b"\r\n\r\nok")
    async with await node.connect() as client:
        answer = await client.get()

    assert answer.start_line == b"HTTP/1.1 299 Odd \xe9"
    assert answer.lines[: len(lines)] == lines
    assert [line.split(b":")[0] for line in answer.lines[len(lines) :]] == [
        *RATE_LIMIT,
        b"Via",
        b"X-Request-Id",
    ]


async def test_the_upstreams_own_limits_are_told_behind_ours(node: Node, upstream: Upstream) -> None:
    own = (
        b'RateLimit-Policy: "theirs";q=5;w=1',
        b'RateLimit-Policy: "default";q=9;w=1',
        b'RateLimit: "theirs";r=4;t=1, "default";r=8;t=1',
        b"X-RateLimit-Limit: 5",
    )
    upstream.script = upstream.answering(b"HTTP/1.1 204 No Content\r\n" + b"\r\n".join(own) + b"\r\n\r\n")
    async with await node.connect() as client:
        answer = await client.get()

    assert answer.values("RateLimit-Policy") == [
        b'"default";q=1000;w=60, "theirs";q=5;w=1, "upstream/default";q=9;w=1'
    ]
    (left,) = answer.values("RateLimit")
    assert left.startswith(b'"default";r=999;t=')
    assert left.endswith(b', "theirs";r=4;t=1, "upstream/default";r=8;t=1')
    assert answer.values("X-RateLimit-Limit") == [b"5"]


async def test_hop_by_hop_fields_stay_here_both_ways(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-End: 2\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    async with await node.connect() as client:
        answer = await client.get(
            b"/",
            b"Connection: X-Mine, keep-alive",
            b"x-mine: 1",
            b"TE: trailers",
            b"Upgrade: websocket",
            b"X-End: 3",
        )

    seen = upstream.requests[-1]
    assert [line.split(b":")[0] for line in seen.lines] == [
        b"Host",
        b"X-End",
        b"X-API-Key",
        b"X-Forwarded-For",
        b"X-Forwarded-Proto",
        b"X-Forwarded-Host",
        b"Forwarded",
        b"Via",
        b"X-Request-Id",
    ]
    assert [line.split(b":")[0] for line in answer.lines] == [
        b"X-End",
        b"Content-Length",
        b"Date",
        *RATE_LIMIT,
        b"Via",
        b"X-Request-Id",
    ]


async def test_what_a_client_claims_to_have_been_forwarded_for_is_replaced(
    node: Node, upstream: Upstream
) -> None:
    async with await node.connect() as client:
        await client.get(b"/", b"X-Forwarded-For: 9.9.9.9", b"x-forwarded-proto: https", b"Via: 1.0 edge")

    seen = upstream.requests[-1]
    assert seen.values("X-Forwarded-For") == [b"127.0.0.1"]
    assert seen.values("X-Forwarded-Proto") == [b"http"]
    assert seen.values("Via") == [b"1.0 edge", b"1.1 node-1"]


async def test_an_http_1_0_request_without_host_gets_the_upstreams(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.send(b"GET /a HTTP/1.0\r\nX-API-Key: key-1\r\n\r\n")
        answer = await client.answer()
        assert await client.rest() == b""

    assert answer.closes
    assert upstream.requests[-1].start_line == b"GET /a HTTP/1.1"
    assert upstream.requests[-1].values("Host") == [upstream.url.removeprefix("http://").encode()]
    assert upstream.requests[-1].values("Via") == [b"1.0 node-1"]


async def test_an_http_1_0_client_may_keep_its_connection(node: Node) -> None:
    async with await node.connect() as client:
        first = await client.get(b"/", b"Connection: keep-alive", version=b"HTTP/1.0")
        second = await client.get(b"/", version=b"HTTP/1.0")
        assert await client.rest() == b""

    assert first.value("Connection") == b"keep-alive"
    assert second.closes


async def test_a_clients_wish_to_close_is_granted(node: Node) -> None:
    async with await node.connect() as client:
        answer = await client.get(b"/", b"Connection: close")
        assert await client.rest() == b""

    assert answer.closes


async def test_connections_are_used_again_on_both_sides(node: Node, upstream: Upstream) -> None:
    before = upstream.connections
    async with await node.connect() as client:
        for _ in range(5):
            assert (await client.get()).body == b"ok"

    assert upstream.connections == before + 1


async def test_pipelined_requests_are_answered_in_their_order(node: Node, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = await upstream.take(peer)
            target = head.start_line.split(b" ")[1]
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    upstream.script = script
    async with await node.connect() as client:
        await client.send(b"".join(request(b"/%d" % n) for n in range(50)))
        answers = [await client.answer() for _ in range(50)]

    assert [answer.body for answer in answers] == [b"/%d" % n for n in range(50)]


async def test_a_refused_head_request_gets_a_head_only(start_node: StartNode) -> None:
    node = await start_node(default_limit="1/h")
    async with await node.connect() as client:
        await client.get()
        refused = [await client.get(method=method) for method in (b"HEAD", b"GET")]

    assert [answer.status for answer in refused] == [429, 429]
    assert int(refused[0].value("Content-Length") or 0) == len(refused[1].body)


COMPRESSED = bytes.fromhex("1f8b0800000000000003cb48cdc9c9070086a6103605000000")


async def test_compressed_bodies_are_not_touched_in_either_direction(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(COMPRESSED), COMPRESSED)
    )
    async with await node.connect() as client:
        answer = await client.get(b"/", b"Content-Encoding: gzip", method=b"POST", body=COMPRESSED)

    assert upstream.bodies[-1] == COMPRESSED
    assert answer.body == COMPRESSED
    assert answer.value("Content-Encoding") == b"gzip"


async def test_a_body_keeps_its_framing_on_the_way_to_the_upstream(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.get(method=b"POST", body=b"hello")
        await client.send(request(b"/", b"Transfer-Encoding: chunked", method=b"PUT"))
        await client.send(b"2\r\nhe\r\n")
        await client.send(b"3;x=y\r\nllo\r\n0\r\n\r\n")
        await client.answer()

    assert upstream.bodies[-2:] == [b"hello", b"hello"]
    assert upstream.requests[-2].values("Content-Length") == [b"5"]
    assert upstream.requests[-1].values("Transfer-Encoding") == [b"chunked"]
    assert upstream.requests[-1].values("Content-Length") == []


async def test_a_body_of_no_bytes_is_told_as_it_was(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.get(b"/", b"Content-Length: 0", method=b"POST")

    assert upstream.requests[-1].values("Content-Length") == [b"0"]


async def test_nothing_of_a_trailer_section_goes_on_or_into_the_next_request(
    node: Node, upstream: Upstream
) -> None:
    chunked = request(b"/1", b"Transfer-Encoding: chunked", method=b"POST")
    trailer = b"3\r\nabc\r\n0\r\nX-Smuggled: 1\r\n\r\n"
    async with await node.connect() as client:
        await client.send(chunked + trailer + request(b"/2"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 200]

    assert [seen.start_line for seen in upstream.requests] == [b"POST /1 HTTP/1.1", b"GET /2 HTTP/1.1"]
    assert [seen.values("X-Smuggled") for seen in upstream.requests] == [[], []]


async def test_a_refused_upgrade_is_an_ordinary_request(node: Node, upstream: Upstream) -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x")
    async with await node.connect() as client:
        await client.send(request(b"/1", *upgrade) + request(b"/2"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 200]

    assert upstream.requests[0].values("Upgrade") == []
    assert upstream.requests[0].values("Sec-WebSocket-Key") == [b"x"]


async def test_an_unknown_upgrade_is_an_ordinary_request(node: Node, upstream: Upstream) -> None:
    """As `curl --http2` offers it."""
    offer = request(b"/1", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA")
    async with await node.connect() as client:
        await client.send(offer + request(b"/2"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 200]

    assert upstream.requests[0].values("Upgrade") == upstream.requests[0].values("HTTP2-Settings") == []


async def test_an_answer_may_have_many_fields(node: Node, upstream: Upstream) -> None:
    cookies = b"".join(b"Set-Cookie: c%d=1\r\n" % number for number in range(300))
    upstream.script = upstream.answering(b"HTTP/1.1 200 OK\r\n" + cookies + b"Content-Length: 0\r\n\r\n")
    async with await node.connect() as client:
        assert len((await client.get()).values("Set-Cookie")) == 300


EARLY = b"HTTP/1.1 103 Early Hints\r\nConnection: X\r\nX: y\r\nContent-Length: 3\r\nLink: \xe9\r\n\r\n"


@pytest.mark.parametrize(("version", "hints"), [(b"HTTP/1.1", [(b"Link: \xe9",)]), (b"HTTP/1.0", [])])
async def test_early_hints_go_on_to_who_can_read_them(
    node: Node, upstream: Upstream, version: bytes, hints: list[tuple[bytes, ...]]
) -> None:
    upstream.script = upstream.answering(EARLY + OK)
    async with await node.connect() as client:
        assert (await client.get(version=version)).body == b"ok"
        assert client.hints == hints


async def test_an_answer_to_an_expectation_that_nobody_sent_stays_here(
    node: Node, upstream: Upstream
) -> None:
    upstream.script = upstream.answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
    async with await node.connect() as client:
        assert [(await client.get()).body for _ in range(2)] == [b"ok", b"ok"]
