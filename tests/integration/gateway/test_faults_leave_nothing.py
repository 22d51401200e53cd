"""After many faults of upstreams, and clients that left in the middle of them, all is as it was before."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import cycle, islice

from tests.integration.gateway.client import request
from tests.integration.gateway.faults import FAULTS, NEXT, Fault, Faulty
from tests.integration.gateway.footprint import footprint
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
REQUESTS = 250
AT_A_TIME = 30


def dealing(upstream: Upstream, faults: Iterator[Fault]) -> Callable[[Peer], Awaitable[None]]:
    """A script that gives each connection the next fault."""

    async def script(peer: Peer) -> None:
        faulty = Faulty(peer, upstream)
        faulty.head_seen.set()  # there is nobody who would tell
        await next(faults).script(faulty)

    return script


async def visit(node: Node, number: int) -> None:
    """Send a request, and take what comes, or leave after some milliseconds."""
    async with await node.connect() as client:
        body = bytes(number * 1000) if number % 3 == 0 else b""
        await client.send(request(method=b"POST" if body else b"GET", body=body))
        if number % 5 == 0:
            await asyncio.sleep(number / 10_000)
            return
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # it was cut off
            await client.answer()


async def test_after_many_faults_nothing_is_left(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(
        default_limit="100000/s", upstream_timeout=0.5, upstream_idle_timeout=0.1, upstream_connections=20
    )
    await visit(node, 1)
    before = await eventually(footprint, lambda now: now.connections == 0)

    upstream.script = dealing(upstream, cycle(FAULTS.values()))
    visits = iter([visit(node, number) for number in range(REQUESTS)])
    while some := list(islice(visits, AT_A_TIME)):
        await asyncio.gather(*some)
    after = await eventually(footprint, lambda now: now.is_within(before))
    upstream.script = upstream.answering(NEXT)
    async with await node.connect() as client:
        answers = [await client.get() for _ in range(3)]

    assert after.connections == 0
    assert [answer.body for answer in answers] == [b"next"] * 3
    record = await node.settled()
    assert record.boot.requests == record.boot.admitted + record.boot.failed
    assert REQUESTS * 4 // 5 <= record.boot.requests <= REQUESTS + 4
    assert min(record.upstream.broken, record.upstream.timed_out, record.boot.admitted) > 0
