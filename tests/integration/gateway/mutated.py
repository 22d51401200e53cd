"""Mutated requests before a node: what its answers must be by what the reader of requests finds in them."""

import asyncio
from bisect import bisect_left
from dataclasses import dataclass

from tests.fuzz.connection import Read, read
from tests.fuzz.requests import INPUTS
from tests.fuzz.target import made_by
from tests.integration.gateway.client import Answer, Client

ALL_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
"""As `exempt`: keys are mutated too, and are no matter here."""

_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Mutated:
    """A client's bytes, the pieces that they are sent in, and what is to be found in them."""

    data: bytes
    pieces: list[bytes]
    found: Read

    @property
    def statuses(self) -> list[int]:
        """Of its answers, where the upstream has nothing but 200."""
        fault = [] if self.found.fault is None else [self.found.fault.status]
        return [200] * len(self.found.requests) + fault


def mutated_requests(number: int, seed: int) -> list[Mutated]:
    """As many, at most."""
    made = []
    for data, pieces in made_by(INPUTS, number, seed):
        found = read([data])
        made.append(Mutated(data, _up_to_its_end(pieces, found), found))
    return made


def _up_to_its_end(pieces: list[bytes], found: Read) -> list[bytes]:
    """The same pieces, but for those behind the last that is read: they come with it.

    By themselves they could come when the node has closed, and the reset would take its answers along.
    """

    def is_decided(number: int) -> bool:
        part = read(pieces[:number])
        return (part.requests, part.fault) == (found.requests, found.fault)

    last = max(0, bisect_left(range(len(pieces)), True, key=is_decided) - 1)
    return [*pieces[:last], b"".join(pieces[last:])]


async def answers_to(mutated: Mutated, port: int) -> list[Answer]:
    """Send the pieces over one connection, none of which waits for an answer, and end it."""
    methods = [request.head.method for request in mutated.found.requests]
    if mutated.found.fault is not None:
        methods.append(mutated.found.fault_method)
    async with await Client.connect(port) as client:
        for piece in mutated.pieces:
            await client.send(piece)
            await asyncio.sleep(0)  # so that the node may read it by itself
        answers = [await client.answer(head_only=method == "HEAD", may_continue=True) for method in methods]
        client.writer.write_eof()
        rest = await client.rest()
    begun = mutated.found.begun  # and asked, perhaps, to go on
    assert rest == b"" or (begun is not None and begun.expects_continue and rest == _GO_ON), rest
    return answers
