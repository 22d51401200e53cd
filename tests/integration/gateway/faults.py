"""Kinds of upstream faults, each as what the upstream does and what the client is to see of it.

What breaks before an answer's head has come makes a 502, silence a 504. Behind the head that has gone out the
client is cut off, so that it sees that the rest is missing. A surplus goes nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.http.response_parser import MAX_FIELDS, MAX_HEAD_BYTES, MAX_INTERIM
from tests.integration.gateway.upstream import Peer, Upstream

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n\r\nok"
TEN = b"Content-Length: 10\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = OK + TWO
NEXT = OK + b"Content-Length: 4\r\n\r\nnext"
SILENCE_SECONDS = 1.0


class Faulty:
    """A connection that goes wrong, with what the test tells it."""

    def __init__(self, peer: Peer, upstream: Upstream) -> None:
        self.peer = peer
        self.upstream = upstream
        self.head_seen = asyncio.Event()
        """The client has the head of the answer."""

    async def take(self) -> None:
        """Take the request."""
        await self.upstream.take(self.peer)

    async def answer(self, data: bytes) -> None:
        """Take the request and send this."""
        await self.take()
        await self.peer.send(data)

    async def in_two(self, head: bytes, rest: bytes) -> None:
        """The same in two pieces: the second once the client has got the first."""
        await self.answer(head)
        await self.head_seen.wait()
        await self.peer.send(rest)


Script = Callable[[Faulty], Awaitable[None]]


def saying(data: bytes) -> Script:
    """Takes the request, sends this and closes."""

    async def script(faulty: Faulty) -> None:
        await faulty.answer(data)

    return script


def breaking(head: bytes, rest: bytes, *, reset: bool = False, silent: bool = False) -> Script:
    """Sends a head, and then what is not the rest of it."""

    async def script(faulty: Faulty) -> None:
        await faulty.in_two(head, rest)
        if reset:
            faulty.peer.reset()
        elif silent:
            await faulty.peer.gone()

    return script


def staying(data: bytes, later: bytes = b"") -> Script:
    """Sends this and does not close; `later` when the client has got its answer."""

    async def script(faulty: Faulty) -> None:
        await faulty.answer(data)
        await faulty.head_seen.wait()
        await faulty.peer.send(later)
        await faulty.peer.gone()

    return script


async def closes_at_once(faulty: Faulty) -> None:
    faulty.peer.close()


async def resets_at_once(faulty: Faulty) -> None:
    faulty.peer.reset()


async def closes_for_an_answer(faulty: Faulty) -> None:
    await faulty.take()


async def resets_for_an_answer(faulty: Faulty) -> None:
    await faulty.take()
    faulty.peer.reset()


async def half_closes(faulty: Faulty) -> None:
    await faulty.take()
    faulty.peer.half_close()
    await faulty.peer.gone()


async def takes_nothing(faulty: Faulty) -> None:
    await faulty.peer.gone()


async def drips_a_head(faulty: Faulty) -> None:
    await faulty.answer(OK)
    while True:
        await faulty.peer.send(b"X: y\r\n")
        await asyncio.sleep(SILENCE_SECONDS / 20)


async def drips_interim_answers(faulty: Faulty) -> None:
    await faulty.take()
    for _ in range(MAX_INTERIM):
        await faulty.peer.send(b"HTTP/1.1 102 Wait\r\n\r\n")
        await asyncio.sleep(SILENCE_SECONDS / 10)
    await faulty.peer.gone()


async def drips_a_body(faulty: Faulty) -> None:
    await faulty.in_two(OK + b"Content-Length: 1000\r\n\r\n", b"")
    while True:
        await faulty.peer.send(b"x")
        await asyncio.sleep(SILENCE_SECONDS / 5)


async def never_ends_its_head(faulty: Faulty) -> None:
    await faulty.answer(OK)
    while True:
        await faulty.peer.send(b"X: " + b"y" * 1000 + b"\r\n")


async def never_ends_its_first_line(faulty: Faulty) -> None:
    await faulty.answer(b"HTTP/1.1 200 ")
    while True:
        await faulty.peer.send(b"y" * 1000)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what the client gets.

    Of `status` 200 with `body` None the client gets the head and then the end, too early.
    """

    script: Script
    status: int
    body: bytes | None = None
    method: bytes = b"GET"
    is_silence: bool = False


BEFORE_A_HEAD = {
    "closes at once": Fault(closes_at_once, 502),
    "resets at once": Fault(resets_at_once, 502),
    "closes for an answer": Fault(closes_for_an_answer, 502),
    "resets for an answer": Fault(resets_for_an_answer, 502),
    "half-closes for an answer": Fault(half_closes, 502),
    "closes within the head": Fault(saying(OK + b"Content-Le"), 502),
    "closes after an interim answer": Fault(saying(b"HTTP/1.1 102 Wait\r\n\r\n"), 502),
    "is silent": Fault(takes_nothing, 504, is_silence=True),
    "is silent within the head": Fault(staying(OK + b"Content-Le"), 504, is_silence=True),
    "is silent after 100": Fault(staying(b"HTTP/1.1 100 Continue\r\n\r\n"), 504, is_silence=True),
    "drips its head": Fault(drips_a_head, 504, is_silence=True),
    "drips interim answers": Fault(drips_interim_answers, 504, is_silence=True),
    "has no end of its head": Fault(never_ends_its_head, 502),
    "has no end of its first line": Fault(never_ends_its_first_line, 502),
    "has too many fields": Fault(saying(OK + b"X: y\r\n" * (MAX_FIELDS + 1) + TWO), 502),
    "has too long a field": Fault(saying(OK + b"X: " + b"y" * MAX_HEAD_BYTES + b"\r\n" + TWO), 502),
    "has interim answers without end": Fault(saying(b"HTTP/1.1 102 Wait\r\n\r\n" * 1000 + GOOD), 502),
}
NO_HTTP = {
    "speaks no HTTP": Fault(saying(b"220 smtp.example ESMTP\r\n"), 502),
    "speaks HTTP/0.9": Fault(saying(b"<html>hello</html>"), 502),
    "speaks HTTP/2": Fault(saying(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"), 502),
    "speaks TLS": Fault(saying(b"\x15\x03\x01\x00\x02\x02\x46"), 502),
    "names HTTP/2.0": Fault(saying(b"HTTP/2.0 200 OK\r\n" + TWO), 502),
    "has an empty line first": Fault(saying(b"\r\n" + GOOD), 502),
    "has a status of two digits": Fault(saying(b"HTTP/1.1 20 OK\r\n" + TWO), 502),
    "has a status below 100": Fault(saying(b"HTTP/1.1 099 Odd\r\n" + TWO), 502),
    "has a status above 599": Fault(saying(b"HTTP/1.1 600 Odd\r\n" + TWO), 502),
    "has a control in its reason": Fault(saying(b"HTTP/1.1 200 O\x08K\r\n" + TWO), 502),
    "has lone LFs": Fault(saying(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), 502),
    "has a lone CR in a value": Fault(saying(OK + b"X: a\rb\r\n" + TWO), 502),
    "has a NUL in a value": Fault(saying(OK + b"X: a\0b\r\n" + TWO), 502),
    "folds a line": Fault(saying(OK + b"X: a\r\n b\r\n" + TWO), 502),
    "has a space before the colon": Fault(saying(OK + b"Content-Length : 2\r\n\r\nok"), 502),
    "has a line without a colon": Fault(saying(OK + b"Hello\r\n" + TWO), 502),
    "has an empty name": Fault(saying(OK + b": x\r\n" + TWO), 502),
    "switches protocols unasked": Fault(
        saying(b"HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nxyz"), 502
    ),
}
FRAMING = {
    "has lengths that differ": Fault(saying(OK + b"Content-Length: 3\r\n" + TWO), 502),
    "has a length twice": Fault(saying(OK + b"Content-Length: 2\r\n" + TWO), 502),
    "has a list of lengths": Fault(saying(OK + b"Content-Length: 2, 2\r\n\r\nok"), 502),
    "has a length with a sign": Fault(saying(OK + b"Content-Length: +2\r\n\r\nok"), 502),
    "has a length in hex": Fault(saying(OK + b"Content-Length: 0x2\r\n\r\nok"), 502),
    "has a length without bounds": Fault(saying(OK + b"Content-Length: 18446744073709551618\r\n\r\nok"), 502),
    "has a length and chunks": Fault(saying(OK + b"Content-Length: 2\r\n" + CHUNKED + b"0\r\n\r\n"), 502),
    "has another coding": Fault(saying(OK + b"Transfer-Encoding: gzip\r\n\r\nxyz"), 502),
    "has a coding before chunked": Fault(
        saying(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 502
    ),
    "has chunked twice": Fault(saying(OK + b"Transfer-Encoding: chunked\r\n" + CHUNKED + b"0\r\n\r\n"), 502),
    "has chunks in HTTP/1.0": Fault(saying(b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"0\r\n\r\n"), 502),
    "has content with 205": Fault(saying(b"HTTP/1.1 205 Reset\r\n" + TWO), 502),
}
BEHIND_THE_HEAD = {
    "closes before the length": Fault(breaking(OK + TEN, b"some"), 200),
    "resets before the length": Fault(breaking(OK + TEN, b"some", reset=True), 200),
    "is silent before the length": Fault(breaking(OK + TEN, b"some", silent=True), 200, is_silence=True),
    "drips before the length": Fault(drips_a_body, 200, is_silence=True),
    "closes within a chunk": Fault(breaking(OK + CHUNKED, b"a\r\nsome"), 200),
    "closes between chunks": Fault(breaking(OK + CHUNKED, b"4\r\nsome\r\n"), 200),
    "closes within the last chunk": Fault(breaking(OK + CHUNKED, b"4\r\nsome\r\n0\r\n"), 200),
    "is silent between chunks": Fault(
        breaking(OK + CHUNKED, b"4\r\nsome\r\n", silent=True), 200, is_silence=True
    ),
    "resets an answer until close": Fault(breaking(OK + b"\r\n", b"some", reset=True), 200),
    "has a chunk without a size": Fault(breaking(OK + CHUNKED, b"4\r\nsome\r\nxyz\r\n", silent=True), 200),
    "has a chunk with a sign": Fault(breaking(OK + CHUNKED, b"+4\r\nsome\r\n", silent=True), 200),
    "has a chunk that is longer": Fault(breaking(OK + CHUNKED, b"4\r\nsomewhat", silent=True), 200),
    "has lone LFs in chunks": Fault(breaking(OK + CHUNKED, b"4\nsome\n", silent=True), 200),
    "has a chunk without bounds": Fault(breaking(OK + CHUNKED, b"f" * 16 + b"\r\n", silent=True), 200),
    "has an endless extension": Fault(breaking(OK + CHUNKED, b"4;" + b"x" * 100_000, silent=True), 200),
    "has endless trailers": Fault(breaking(OK + CHUNKED, b"0\r\n" + b"X: y\r\n" * 20_000, silent=True), 200),
    "has a trailer that is none": Fault(breaking(OK + CHUNKED, b"0\r\nX : y\r\n\r\n", silent=True), 200),
    "has chunks with 205": Fault(
        breaking(b"HTTP/1.1 205 Reset\r\n" + CHUNKED, b"4\r\nsome\r\n0\r\n\r\n", silent=True), 205
    ),
}
EVIL = OK + b"Content-Length: 4\r\n\r\nevil"
SURPLUS = {
    "sends another answer": Fault(staying(GOOD + EVIL), 200, b"ok"),
    "sends another answer later": Fault(staying(GOOD, EVIL), 200, b"ok"),
    "sends half a head more": Fault(staying(GOOD + EVIL[:30]), 200, b"ok"),
    "sends a byte more": Fault(staying(GOOD + b"H"), 200, b"ok"),
    "sends an empty line more": Fault(staying(GOOD + b"\r\n"), 200, b"ok"),
    "sends another answer behind chunks": Fault(
        staying(OK + CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + EVIL), 200, b"ok"
    ),
    "sends a body with 204": Fault(staying(b"HTTP/1.1 204 None\r\n" + TWO), 204, b""),
    "sends a body with 304": Fault(staying(b"HTTP/1.1 304 Same\r\n" + TWO), 304, b""),
    "sends a body to HEAD": Fault(staying(GOOD), 200, b"", method=b"HEAD"),
    "sends chunks to HEAD": Fault(staying(OK + CHUNKED + b"2\r\nok\r\n0\r\n\r\n"), 200, b"", method=b"HEAD"),
    "says close and stays": Fault(staying(OK + b"Connection: close\r\n" + TWO), 200, b"ok"),
    "answers HTTP/1.0 and stays": Fault(staying(b"HTTP/1.0 200 OK\r\n" + TWO), 200, b"ok"),
}
FAULTS = BEFORE_A_HEAD | NO_HTTP | FRAMING | BEHIND_THE_HEAD | SURPLUS
