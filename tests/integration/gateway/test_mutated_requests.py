"""A node forwards of any bytes what its reader finds in them, so that all read it alike, and nothing else."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable

from gateway.proxy.rules import MAX_FIELDS
from tests.fuzz.connection import Read, read
from tests.fuzz.requests import INPUTS
from tests.fuzz.second_readers import check_with_h11, check_with_llhttp
from tests.fuzz.target import made_by
from tests.integration.gateway.client import Client
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Received, Upstream
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


def sent(head: Received, body: bytes) -> bytes:
    """The bytes of a request that has arrived, but for where its chunks began."""
    if head.values("Transfer-Encoding") == [b"chunked"]:
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return b"\r\n".join([head.start_line, *head.lines, b"", body])


def check_that_all_read_alike(data: bytes, body: bytes) -> None:
    found = read([data])
    assert [request.body for request in found.requests] == [body], data
    assert found.fault is None, data
    assert check_with_h11(data, found), data
    assert check_with_llhttp(data, found), data


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
        for head, body in witness.whole[before:]:
            if len(head.lines) <= MAX_FIELDS:  # some more than may come in may go on
                check_that_all_read_alike(sent(head, body), body)
    await node.settled()
