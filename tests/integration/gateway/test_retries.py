"""Two addresses that fail at random: nothing that must not be done twice is sent twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
CLIENTS = 10
REQUESTS = 40
ADDRESSES = 2


class Unreliable:
    """Answers most requests, and notes all whose head has come whole."""

    def __init__(self, upstream: Upstream, seen: Counter[bytes], seed: int) -> None:
        self._upstream = upstream
        self._seen = seen
        self._dice = random.Random(seed)

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            self._seen[head.start_line.split(b" ")[1]] += 1
            match self._dice.randrange(12):
                case 0:
                    return
                case 1:
                    peer.reset()
                    return
                case 2:
                    await peer.send(b"HTTP/1.1 2")
                    return
            await peer.body(head)
            match self._dice.randrange(12):
                case 0:
                    return
                case 1:
                    await peer.send(b"HTTP/1.1 204 None\r\n\r\n")
                    return
            await peer.send(b"HTTP/1.1 204 None\r\n\r\n")


METHODS = {b"GET": True, b"DELETE": True, b"POST": False, b"PATCH": False}
"""Whether a request may be sent again (RFC 9110 §9.2.2)."""


async def visit(node: Node, number: int, dice: random.Random, answered: Counter[int]) -> None:
    client = await node.connect()
    for turn in range(REQUESTS):
        method = dice.choice(list(METHODS))
        body = bytes(dice.choice([0, 10, 50_000])) if method in (b"POST", b"PATCH") else b""
        await client.send(request(b"/%b/%d/%d" % (method, number, turn), method=method, body=body))
        answer = await client.answer()
        answered[answer.status] += 1
        if answer.closes:
            client.writer.transport.abort()
            client = await node.connect()
    client.writer.transport.abort()


async def test_what_must_not_be_done_twice_is_sent_once(start_node: StartNode, upstream: Upstream) -> None:
    seen: Counter[bytes] = Counter()
    answered: Counter[int] = Counter()
    async with Upstream() as other:
        upstream.script, other.script = Unreliable(upstream, seen, 1), Unreliable(other, seen, 2)
        node = await start_node(default_limit="100000/s", upstream_url=f"{upstream.url}, {other.url}")
        await asyncio.gather(
            *(visit(node, number, random.Random(number), answered) for number in range(CLIENTS))
        )
        record = await node.settled()

    for target, times in seen.items():
        may_be_repeated = METHODS[target.split(b"/")[1]]
        assert times <= (2 * ADDRESSES if may_be_repeated else 1), target
    assert answered.keys() == {204, 502}
    assert (record.boot.admitted, record.boot.failed) == (answered[204], answered[502])
    assert sum(seen.values()) > CLIENTS * REQUESTS


async def test_what_is_sent_once_more_is_counted_once(start_node: StartNode, upstream: Upstream) -> None:
    """A kept connection was closed just then."""

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.send(b"HTTP/1.1 204 None\r\n\r\n")
        await upstream.take(peer)

    upstream.script = script
    node = await start_node(shadow=True, default_limit="1/h")
    async with await node.connect() as client:
        assert [(await client.get()).status for _ in range(2)] == [204, 204]
    record = await node.settled()

    assert (record.boot.requests, record.boot.shadow_refused) == (2, 1)
    told = await eventually(node.record, lambda record: record.busiest)
    assert [client.units for client in told.busiest] == [2]
    assert sum(count for _, count in record.latency) == 2
