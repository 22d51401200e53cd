"""WebSocket through a node, byte by byte: who gets a tunnel, and what it is counted as."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.proxy import client_connection
from tests.integration.gateway.client import request, within
from tests.integration.gateway.handshakes import ACCEPT, KEY, OFFER, SWITCH, open_tunnel, tunnels
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
FRAME = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"  # RFC 6455 §5.7
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_an_offer_goes_on_and_its_101_comes_back(node: Node, upstream: Upstream) -> None:
    async with open_tunnel(node, upstream, b"Sec-WebSocket-Protocol: chat") as tunnel:
        assert tunnel.start_line == b"HTTP/1.1 101 Switching Protocols"
        names = [line.split(b":")[0] for line in tunnel.lines]

    ours = [b"Date", b"RateLimit-Policy", b"RateLimit", b"Via", b"X-Request-Id", b"Connection", b"Upgrade"]
    assert names == [b"Sec-WebSocket-Accept", *ours]
    seen = upstream.requests[0]
    assert seen.values("Connection") == [b"Upgrade"]
    assert seen.values("Upgrade") == [b"websocket"]
    assert seen.values("Sec-WebSocket-Protocol") == [b"chat"]


async def test_a_handshake_is_one_request_counted_when_it_is_over(node: Node, upstream: Upstream) -> None:
    async with open_tunnel(node, upstream) as tunnel:
        await tunnel.client.send(FRAME)
        assert await within(tunnel.peer.reader.readexactly(len(FRAME))) == FRAME
        record = await node.settled()
        assert (record.boot.requests, record.boot.admitted, record.upstream.answered) == (1, 1, 1)
        assert len(record.latency) == 1
        assert await tunnels(node) == 1

    await eventually(lambda: tunnels(node), lambda count: count == 0)
    assert (await node.record()).boot == record.boot


async def test_a_handshake_over_the_limit_gets_a_429_and_reaches_nobody(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(default_limit="1/h")
    async with open_tunnel(node, upstream), await node.connect() as client:
        assert (await client.get(b"/", *OFFER)).status == 429
    assert len(upstream.requests) == 1


def offer(**fields: bytes) -> tuple[bytes, ...]:
    """A handshake's lines with some of them changed."""
    usual = {"connection": OFFER[0], "upgrade": OFFER[1], "version": OFFER[2], "key": KEY}
    return tuple(filter(None, (usual | fields).values()))


NO_OFFER = {
    "an old version": request(b"/", *offer(version=b"Sec-WebSocket-Version: 8")),
    "two versions": request(b"/", *OFFER, b"Sec-WebSocket-Version: 13"),
    "no version": request(b"/", *offer(version=b"")),
    "no key": request(b"/", *offer(key=b"")),
    "two keys": request(b"/", *OFFER, KEY),
    "a short key": request(b"/", *offer(key=b"Sec-WebSocket-Key: dGhlIHNhbXBsZQ==")),
    "a key that is no base64": request(b"/", *offer(key=b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==")),
    "a key with bits to spare": request(b"/", *offer(key=KEY.replace(b"ZQ==", b"ZR=="))),
    "not named in Connection": request(b"/", *offer(connection=b"Connection: keep-alive")),
    "two protocols": request(b"/", *offer(upgrade=b"Upgrade: websocket, h2c")),
    "another protocol": request(b"/", *offer(upgrade=b"Upgrade: h2c")),
    "a POST": request(b"/", *OFFER, method=b"POST"),
    "a body": request(b"/", *OFFER, body=FRAME),
    "HTTP/1.0": request(b"/", *OFFER, b"Connection: keep-alive", version=b"HTTP/1.0"),
}


@pytest.mark.parametrize("sent", NO_OFFER.values(), ids=NO_OFFER)
async def test_what_is_no_whole_offer_is_an_ordinary_request(
    node: Node, upstream: Upstream, sent: bytes
) -> None:
    async with await node.connect() as client:
        await client.send(sent + request(b"/2"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 200]

    first, second = upstream.requests
    assert first.values("Upgrade") == first.values("Connection") == []
    assert second.start_line == b"GET /2 HTTP/1.1"


BROKEN = {
    "no proof": SWITCH.replace(ACCEPT, b"X: y"),
    "the proof for another key": SWITCH.replace(b"s3pP", b"s3pQ"),
    "two proofs": SWITCH.replace(ACCEPT, ACCEPT + b"\r\n" + ACCEPT),
    "another protocol": SWITCH.replace(b"websocket", b"h2c"),
    "no protocol": SWITCH.replace(b"Upgrade: websocket\r\n", b""),
    "not named in Connection": SWITCH.replace(b"Connection: Upgrade", b"Connection: keep-alive"),
    "HTTP/0.9": FRAME,
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_a_101_that_proves_nothing_is_a_502_and_opens_nothing(
    node: Node, upstream: Upstream, answer: bytes
) -> None:
    usual, before = upstream.script, upstream.connections
    upstream.script = upstream.answering(answer)
    async with await node.connect() as client:
        await client.send(request(b"/1", *OFFER))
        assert (await client.answer()).status == 502
        upstream.script = usual
        assert (await client.get(b"/2")).status == 200

    assert upstream.connections == before + 2
    assert await tunnels(node) == 0
    assert (await node.record()).upstream.broken == 1


async def test_a_101_that_nobody_asked_for_is_a_502(node: Node, upstream: Upstream) -> None:
    upstream.script = upstream.answering(SWITCH)
    async with await node.connect() as client:
        assert (await client.get(b"/", *offer(version=b""))).status == 502
        assert (await client.get()).status == 502


REFUSALS = {
    "200": OK,
    "401": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
    "426": b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n",
    "after a 103": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
async def test_behind_an_offer_that_is_refused_comes_the_next_request(
    node: Node, upstream: Upstream, answer: bytes
) -> None:
    upstream.script = upstream.answering(answer)
    async with await node.connect() as client:
        await client.send(request(b"/1", *OFFER) + request(b"/2"))
        first, second = await client.answer(), await client.answer()

    assert first.start_line in answer
    assert first.value("Sec-WebSocket-Version") == second.value("Sec-WebSocket-Version")
    assert [seen.start_line for seen in upstream.requests] == [b"GET /1 HTTP/1.1", b"GET /2 HTTP/1.1"]
    assert upstream.requests[1].values("Upgrade") == []


async def test_frames_behind_an_offer_that_is_refused_reach_nobody(node: Node, upstream: Upstream) -> None:
    async with await node.connect() as client:
        await client.send(request(b"/1", *OFFER) + FRAME + request(b"/2"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 400]
        await client.rest()

    assert len(upstream.requests) == 1
    assert (await node.settled()).malformed == 1


async def test_a_request_behind_an_offer_that_is_taken_is_no_request(node: Node, upstream: Upstream) -> None:
    async with open_tunnel(node, upstream, sent=request(b"/2")) as tunnel:
        assert await within(tunnel.peer.reader.readexactly(len(request(b"/2")))) == request(b"/2")
    assert (await node.settled()).boot.requests == 1


async def test_much_that_comes_before_the_101_comes_whole_after_it(node: Node, upstream: Upstream) -> None:
    early = bytes(range(256)) * 2000
    async with open_tunnel(node, upstream, sent=early) as tunnel:
        assert await within(tunnel.peer.reader.readexactly(len(early))) == early


async def test_what_is_read_in_turns_goes_over_whole_in_the_middle_of_them(
    node: Node, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_connection, "TURN_BYTES", 512)
    early = bytes(range(256)) * 800
    async with open_tunnel(node, upstream, sent=early) as tunnel:
        assert await within(tunnel.peer.reader.readexactly(len(early))) == early


async def test_an_upstream_may_say_all_and_close_with_the_101(node: Node, upstream: Upstream) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(SWITCH + FRAME * 20_000)

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/", *OFFER))
        await client.head()
        assert await client.rest() == FRAME * 20_000
    await eventually(lambda: tunnels(node), lambda count: count == 0)


async def test_a_handshake_may_come_behind_a_request_and_go_by_the_same_connection(
    node: Node, upstream: Upstream
) -> None:
    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(OK)
        await upstream.take(peer)
        await peer.send(SWITCH)
        await peer.send(await within(peer.reader.readexactly(len(FRAME))))

    upstream.script = script
    async with await node.connect() as client:
        await client.send(request(b"/1") + request(b"/2", *OFFER) + FRAME)
        assert (await client.answer()).body == b"ok"
        assert (await client.head())[0] == b"HTTP/1.1 101 Switching Protocols"
        assert await client.rest() == FRAME
    assert [seen.start_line for seen in upstream.requests] == [b"GET /1 HTTP/1.1", b"GET /2 HTTP/1.1"]


async def test_what_comes_with_the_101_goes_to_the_client(node: Node, upstream: Upstream) -> None:
    early = b"\x81\x05Hello" * 20_000
    async with open_tunnel(node, upstream, answer=SWITCH + early) as tunnel:
        assert await within(tunnel.client.reader.readexactly(len(early))) == early


async def test_a_tunnel_holds_one_of_its_clients_places_until_it_ends(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(default_concurrency=1)
    async with await node.connect() as client:
        async with open_tunnel(node, upstream):
            assert (await client.get()).status == 429
            assert (await client.get(key=b"key-2")).status == 200
        assert (await eventually(client.get, lambda answer: answer.status != 429)).status == 200


async def test_a_tunnel_holds_one_of_the_upstreams_connections_until_it_ends(
    start_node: StartNode, upstream: Upstream
) -> None:
    node = await start_node(upstream_connections=1)
    async with await node.connect() as client:
        async with open_tunnel(node, upstream):
            assert (await client.get()).status == 503
        assert (await eventually(client.get, lambda answer: answer.status != 503)).status == 200
