"""Clients and an upstream that misbehave at random: no answer goes astray, and no failure is lost."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
CLIENTS = 12
REQUESTS = 25


class Chaos:
    """An upstream that echoes the target of each request, and one in three times does something else."""

    def __init__(self, upstream: Upstream, seed: int) -> None:
        self._upstream = upstream
        self._dice = random.Random(seed)

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await self._upstream.take(peer)
            echo = head.start_line.split(b" ")[1]
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(echo), echo)
            match self._dice.randrange(24):
                case 0:
                    return
                case 1:
                    peer.reset()
                    return
                case 2:
                    await peer.send(answer + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
                case 3:
                    await peer.send(answer + b"HTTP/1.1 200 OK\r\nContent-Le")
                case 4:
                    await peer.send(answer[: self._dice.randrange(len(answer))])
                    return
                case 5:
                    await peer.send(
                        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(echo)
                    )
                    await peer.send(echo + b"\r\n0\r\n\r\n")
                case 6:
                    await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + echo)
                    return
                case 7:
                    await peer.send(b"HTTP/1.1 103 Early\r\n\r\n" + answer)
                    await asyncio.sleep(0)
                    return
                case _:
                    await peer.send(answer)


async def visit(node: Node, number: int, dice: random.Random) -> tuple[int, int]:
    """Send requests and leave early at times; how many were answered whole, and how many by an error."""
    whole = errors = 0
    client = await node.connect()
    for turn in range(REQUESTS):
        target = b"/%d/%d" % (number, turn)
        options = {"method": b"POST", "body": bytes(dice.randrange(1, 50_000))} if turn % 3 == 0 else {}
        message = request(target, **options)
        again = False
        try:
            if dice.random() < 0.1:
                await client.send(message[: dice.randrange(len(message))])
                await asyncio.sleep(dice.random() / 200)
                again = True
            else:
                await client.send(message)
                answer = await client.answer()
                again = answer.closes
                if answer.status == 200:
                    assert answer.body == target
                    whole += 1
                else:
                    assert answer.status == 502
                    errors += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            again = True
        if again:
            client.writer.transport.abort()
            client = await node.connect()
    client.writer.transport.abort()
    return whole, errors


@pytest.mark.parametrize("seed", range(3))
async def test_no_answer_reaches_another_request_and_nothing_is_lost(
    start_node: StartNode, upstream: Upstream, seed: int
) -> None:
    node = await start_node(default_limit="100000/s")
    upstream.script = Chaos(upstream, seed)
    dice = random.Random(seed)
    visits = [visit(node, number, random.Random(dice.random())) for number in range(CLIENTS)]
    outcomes = await asyncio.gather(*visits)
    record = await node.settled()
    await node.shut_down()
    gc.collect()  # a failure that nobody looked at is told when it is forgotten

    whole, errors = (sum(column) for column in zip(*outcomes, strict=True))
    totals = record.boot
    assert whole > CLIENTS * REQUESTS / 2
    assert totals.admitted >= whole
    assert totals.failed >= errors > 0
    assert totals.requests == totals.admitted + totals.failed <= CLIENTS * REQUESTS
    assert record.upstream.timed_out == record.malformed == 0
