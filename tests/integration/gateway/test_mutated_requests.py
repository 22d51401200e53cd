"""A node forwards of any bytes what the reader of requests finds in them, and nothing else."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable

from tests.fuzz.requests import INPUTS, Read, read
from tests.fuzz.target import made_by
from tests.integration.gateway.client import Client
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream
from tests.integration.gateway.witness import Witness

StartNode = Callable[..., Awaitable[Node]]
EXAMPLES = 300
SEED = 20
EVERYTHING = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def up_to_its_end(pieces: list[bytes], found: Read) -> list[bytes]:
    """The same pieces, but for those behind the last that is read: they come with it.

    By themselves they could come when the node has closed, and the reset would take its answers along.
    """

    def is_decided(number: int) -> bool:
        part = read(pieces[:number])
        return (part.requests, part.fault) == (found.requests, found.fault)

    last = max(0, bisect_left(range(len(pieces)), True, key=is_decided) - 1)
    return [*pieces[:last], b"".join(pieces[last:])]


async def statuses(client: Client, found: Read, pieces: list[bytes]) -> list[int]:
    """Of the answers to these pieces of a connection; none of them waits for another's answer."""
    for piece in pieces:
        await client.send(piece)
        await asyncio.sleep(0)  # so that the node may read it by itself
    told = []
    for request in found.requests:
        head_only = request.head.method == "HEAD"
        told.append((await client.answer(head_only=head_only, may_continue=True)).status)
    if found.fault is not None:
        told.append((await client.answer(head_only=found.fault_method == "HEAD", may_continue=True)).status)
    client.writer.write_eof()
    assert await client.rest() == b""
    return told


async def test_a_node_forwards_what_its_reader_finds(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(exempt=EVERYTHING)
    witness = Witness(upstream)
    for data, pieces in made_by(INPUTS, EXAMPLES, SEED):
        found = read([data])
        before = len(witness.whole)
        async with await node.connect() as client:
            told = await statuses(client, found, up_to_its_end(pieces, found))
        expected = [200] * len(found.requests) + ([] if found.fault is None else [found.fault.status])
        assert told == expected, data
        arrived = [(head.start_line, body) for head, body in witness.whole[before:]]
        wanted = [
            (b"%b %b HTTP/1.1" % (request.head.method.encode(), request.head.target), request.body)
            for request in found.requests
        ]
        assert arrived == wanted, data
    await node.settled()
