"""By sockets, on the event loop of the product: what tests/lanes shows of many more cases without either."""

import re
from collections.abc import Awaitable, Callable
from random import Random

from tests.fuzz.connection import read
from tests.integration.gateway.client import Client
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream
from tests.integration.gateway.witness import Witness
from tests.lanes.generator.requests import Requests

StartNode = Callable[..., Awaitable[Node]]
CONNECTIONS = 80
REQUESTS = 5
LIMIT = "100000/m"
SEED = 7

DIFFERENT = re.compile(rb"^(X-Request-Id: [0-9a-f]{32}|Date: .*|RateLimit: .*)$")
"""Lines with what is each node's own: ids, the time, and what is left of a limit."""


def messages_of(seed: int) -> list[list[bytes]]:
    """Requests by connection: those that are one message for all who read them, and get one answer."""
    made = Requests(Random(seed))
    connections = [[made.one() for _ in range(REQUESTS)] for _ in range(CONNECTIONS)]
    return [[data for data in sent if _is_one(data)] for sent in connections]


def _is_one(data: bytes) -> bool:
    found = read([data])
    is_whole = found.begun is None and len(found.requests) == (1 if found.fault is None else 0)
    return is_whole and b"pgrade: websocket" not in data


def lasting(lines: tuple[bytes, ...]) -> list[bytes]:
    """Those that must be the same."""
    return [line.partition(b":")[0] if DIFFERENT.match(line) else line for line in lines]


async def seen_of(node: Node, witness: Witness, sent: list[bytes]) -> list[object]:
    """Of one connection: its answers, and what came to the upstream."""
    seen: list[object] = []
    before = len(witness.whole)
    async with await Client.connect(node.port) as client:
        for data in sent:
            await client.send(data)
            answer = await client.answer(head_only=data.startswith(b"HEAD "), may_continue=True)
            seen.append((answer.start_line, lasting(answer.lines), answer.body))
            if answer.closes:
                seen.append(await client.rest())
                break
    whole = witness.whole[before:]
    return [*seen, *((head.start_line, lasting(head.lines), body) for head, body in whole)]


async def test_clients_and_upstreams_cannot_tell_the_lanes_apart(start_node: StartNode) -> None:
    async with Upstream() as behind_fast, Upstream() as behind_other:
        fast = await start_node(fast_lane=True, upstream_url=behind_fast.url, default_limit=LIMIT)
        other = await start_node(fast_lane=False, upstream_url=behind_other.url, default_limit=LIMIT)
        of_fast, of_other = Witness(behind_fast), Witness(behind_other)
        for sent in messages_of(SEED):
            assert await seen_of(fast, of_fast, sent) == await seen_of(other, of_other, sent), sent

        records = [await node.settled() for node in (fast, other)]
        assert records[0].boot == records[1].boot
        assert records[0].malformed == records[1].malformed
        assert records[0].upstream == records[1].upstream
