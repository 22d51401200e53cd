"""The services behind a node: each request gets the next behaviour, on whatever connection it comes."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tests.lanes.generator.case import Behaviour, Close, End, Piece
from tests.lanes.record import Events, Stream
from tests.lanes.wire import Wire

_DIAL_SECONDS = 0.0004
_CLOSE_SECONDS = 0.00003
_UNSEEN_SECONDS = 0.0003
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_USUAL = Behaviour((Piece(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),), (Piece(b"ok", None),))


class Services:
    """All of them, and what has come to each connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._served: list[Served] = []
        self._behaviours: deque[Behaviour] = deque()
        self._refused_dials: deque[bool] = deque()
        self._dials = 0

    def load(self, behaviours: Sequence[Behaviour], refused_dials: Sequence[bool]) -> None:
        """For the next case."""
        self._behaviours, self._refused_dials = deque(behaviours), deque(refused_dials)

    def behaviour(self) -> Behaviour:
        """Of the next request."""
        return self._behaviours.popleft() if self._behaviours else _USUAL

    def take(self, start: float) -> tuple[tuple[str, Events], ...]:
        """What has come since the last time, by connection, with seconds since `start`."""
        taken = tuple((served.name, served.stream.take(start)) for served in self._served)
        self._served = [served for served in self._served if not served.is_over]
        return taken

    async def dial(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Any:
        """A connection.

        Raises:
            ConnectionRefusedError: nobody is there.
        """
        refused = self._refused_dials.popleft() if self._refused_dials else False
        self._dials += 1
        await asyncio.sleep(_DIAL_SECONDS * (1 + self._dials % 7 / 10))  # no two at one instant
        if refused:
            raise ConnectionRefusedError(111, "simulated")
        served = Served(self, f"{host}:{port}")
        self._served.append(served)
        protocol = factory()
        served.wire.set_protocol(protocol)
        protocol.connection_made(served.wire)
        return served.wire, protocol


class Served:
    """One connection, as the service sees it."""

    def __init__(self, services: Services, name: str) -> None:
        self.name = name
        self._services = services
        self._loop = services.loop
        self.stream = Stream(services.loop)
        self.wire = Wire(services.loop, self)
        self._held = b""
        self._head: bytes | None = None
        """Of the request at hand."""
        self._behaviour = _USUAL
        self._is_answered = self._is_answering = False
        self.is_over = False

    def received(self, data: bytes) -> None:
        """The node sends."""
        self.stream.add(data)
        self._held += data
        self._loop.call_soon(self._look)

    def ended(self, end: End) -> None:
        """The node sends no more."""
        self._take_head()  # a service has read what came before the end
        self.stream.add(end)
        self.is_over = True

    def _take_head(self) -> None:
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if self._head is None and end:
            self._head, self._held = head, rest
            self._behaviour = self._services.behaviour()
            self._is_answered = False

    def _look(self) -> None:
        if self.is_over:
            return
        self._take_head()
        if self._head is None:
            return
        length = _length(self._head, self._held)
        if not self._is_answered and (length is not None or self._behaviour.early):
            self._is_answered = self._is_answering = True
            is_bare = self._head.startswith(b"HEAD ") and not self._behaviour.insists
            self._say([*self._behaviour.head, *(() if is_bare else self._behaviour.body)])
        if self._is_answered and not self._is_answering and length is not None:
            self._head, self._held = None, self._held[length:]
            self._look()

    def _say(self, pieces: list[Piece]) -> None:
        if self.is_over:
            return
        if not pieces:
            self._finish(self._behaviour.close)
            return
        if pieces[0].seconds:
            self._loop.call_later(pieces[0].seconds, self._send, pieces)
        else:
            self._loop.call_soon(self._send, pieces)

    def _send(self, pieces: list[Piece]) -> None:
        first, *rest = pieces
        at_once = [first]
        while rest and rest[0].seconds is None:
            at_once.append(rest.pop(0))
        for piece in at_once[:-1] if not rest else at_once:
            self.wire.arrive(piece.data)
        if not rest:
            # The service is done before the node reads the end of what it has sent.
            self._loop.call_soon(self._arrive_last, at_once[-1].data, self._behaviour.close)
        self._say(rest)

    def _arrive_last(self, data: bytes, close: Close) -> None:
        if close is Close.CLOSED_UNSEEN:
            self.wire.arrive_with_unseen_end(data, _UNSEEN_SECONDS)
        else:
            self.wire.arrive(data)

    def _finish(self, close: Close) -> None:
        self._is_answering = False
        if close is Close.KEPT:
            self._look()
        elif close is not Close.CLOSED_UNSEEN:
            self.is_over = True
            end = End.IN_ORDER if close is Close.CLOSED else End.BY_RESET
            self._loop.call_later(_CLOSE_SECONDS, self.wire.arrive, end)


def _length(head: bytes, rest: bytes) -> int | None:
    """Of the body that follows a head; None where it is not whole yet."""
    if _CHUNKED.search(head):
        end = rest.find(b"0\r\n\r\n") if rest.startswith(b"0\r\n\r\n") else rest.find(b"\r\n0\r\n\r\n") + 2
        return end + 5 if end > 1 or rest.startswith(b"0\r\n\r\n") else None
    match = _LENGTH.search(head)
    length = int(match[1]) if match else 0
    return length if len(rest) >= length else None
