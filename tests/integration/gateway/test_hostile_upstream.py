"""An upstream whose answers are damaged at random: nobody gets what was meant for another."""

import asyncio
import gc
import random
import re
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.gateway.client import Answer, Client, request
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Peer, Upstream

StartNode = Callable[..., Awaitable[Node]]
CLIENTS = 10
REQUESTS = 20
MARK = re.compile(rb"<[0-9a-f]{16}>")
INSERTED = [
    *(bytes([byte]) for byte in b"\r\n\0 \t:;0"),
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nContent-Length: 4\r\n\r\n",
    b"HTTP/1.1 204 None\r\n\r\n",
]


def legal(mark: bytes, dice: random.Random) -> bytes:
    """An answer with this mark in its head and in its body."""
    body = mark * dice.choice([1, 3, 500])
    head = b"HTTP/1.1 200 OK\r\nX-Mark: " + mark + b"\r\n"
    match dice.randrange(3):
        case 0:
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        case 1:
            return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        case _:
            return head + b"Connection: close\r\n\r\n" + body


def damaged(answer: bytes, dice: random.Random) -> bytes:
    """The same with a fault, or with several."""
    for _ in range(dice.choice([0, 0, 0, 1, 1, 4])):
        at = dice.randrange(len(answer)) if dice.random() < 0.3 else dice.randrange(min(len(answer), 120))
        until = at + dice.choice([0, 1, 1, 2, 20])
        answer = answer[:at] + dice.choice([b"", *INSERTED]) + answer[until:] or b"x"
    return answer


class Hostile:
    """Says whatever comes to its mind, in pieces, and then goes on, closes, resets or is silent."""

    def __init__(self, upstream: Upstream, seed: int) -> None:
        self._upstream = upstream
        self._dice = random.Random(seed)

    async def __call__(self, peer: Peer) -> None:
        dice = self._dice
        while True:
            head = await self._upstream.take(peer)
            mark = head.start_line.split(b" ")[1].removeprefix(b"/")
            data = damaged(legal(mark, dice), dice)
            if dice.random() < 0.2:
                data += damaged(legal(mark, dice), dice)
            while data:
                size = dice.choice([1, 10, 100, 100_000])
                await peer.send(data[:size])
                data = data[size:]
                await asyncio.sleep(0)
            match dice.randrange(12):
                case 0:
                    return
                case 1:
                    peer.reset()
                    return
                case 2:
                    peer.half_close()
                    await peer.gone()
                    return


async def answer_of(client: Client, method: bytes) -> Answer:
    """The next answer behind any interim ones; the gateway's framing is right whatever the upstream's was."""
    while True:
        start_line, lines = await client.head()
        status = int(start_line.split(b" ")[1])
        if status >= 200:
            break
    answer = Answer(status, start_line, lines, b"")
    if method == b"HEAD" or status in (204, 304):
        return answer
    if answer.value("Transfer-Encoding") == b"chunked":
        body = b"".join([chunk async for chunk in client.chunks()])
    else:
        body = await client.reader.readexactly(int(answer.value("Content-Length") or b""))
    return Answer(status, start_line, lines, body)


async def visit(node: Node, dice: random.Random, marks: set[bytes]) -> int:
    """Ask again and again, each time with a mark more; how often there was an answer without a fault."""
    whole = 0
    client = await node.connect()
    for _ in range(REQUESTS):
        mark = b"<%b>" % dice.randbytes(8).hex().encode()
        marks.add(mark)
        method = dice.choice([b"GET", b"GET", b"POST", b"HEAD"])
        body = bytes(dice.randrange(1, 5000)) if method == b"POST" else b""
        try:
            await client.send(request(b"/" + mark, method=method, body=body))
            answer = await answer_of(client, method)
        except (asyncio.IncompleteReadError, ConnectionError):
            client.writer.transport.abort()
            client = await node.connect()
            continue
        assert marks.intersection(MARK.findall(b"\n".join((*answer.lines, answer.body)))) <= {mark}
        whole += answer.status == 200 and answer.body.startswith(mark)
        if answer.closes:
            client.writer.transport.abort()
            client = await node.connect()
    client.writer.transport.abort()
    return whole


@pytest.mark.parametrize("seed", range(2))
async def test_no_damaged_answer_reaches_another_request(
    start_node: StartNode, upstream: Upstream, seed: int
) -> None:
    node = await start_node(default_limit="100000/s", upstream_timeout=0.2)
    upstream.script = Hostile(upstream, seed)
    dice = random.Random(seed)
    marks: set[bytes] = set()
    visits = [visit(node, random.Random(dice.random()), marks) for _ in range(CLIENTS)]
    whole = sum(await asyncio.gather(*visits))
    totals = (await node.settled()).boot
    await node.shut_down()
    gc.collect()  # a failure that nobody looked at is told when it is forgotten

    assert whole > CLIENTS * REQUESTS / 20
    assert totals.failed > CLIENTS * REQUESTS / 20
    assert totals.requests == totals.admitted + totals.failed == CLIENTS * REQUESTS
