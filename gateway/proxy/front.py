"""A client's connection as the event loop has it: the fast lane, and behind it aiohttp's server.

A hot path: the connection behind is asked once whether it is at rest, and hears of no request that begins
and ends here with nothing else happening meanwhile.
"""

import asyncio
from typing import Protocol, cast

from gateway.clock import monotonic
from gateway.connections import GiveWay, Place
from gateway.proxy.answers import Piece
from gateway.proxy.begun import Begun
from gateway.proxy.fast_answer import FastClient
from gateway.proxy.fast_request import FastRequest
from gateway.proxy.fastlane import FastLane
from gateway.proxy.watch import Watch


class Behind(Protocol):
    """The connection behind, which gets all that the fast lane does not serve."""

    watchdog: Watch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; part of asyncio's protocol, as what follows."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""

    def eof_received(self) -> bool | None:
        """It sends no more."""

    def pause_writing(self) -> None:
        """The client takes less than is sent."""

    def resume_writing(self) -> None:
        """It takes more again."""

    def is_at_rest(self) -> bool:
        """Whether nothing is under way, nothing has come, and a request may."""

    def give_way(self) -> bool | None:
        """Close, so that another has room, if that can be: whether it does. None: it does not wait."""

    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""

    def front_began(self) -> None:
        """A request is served in front: what comes now comes behind it."""

    def front_ended(self, *, stays: bool) -> None:
        """It has been answered: whether another may follow."""

    def front_broke(self, *, by_reset: bool) -> None:
        """It gets no whole answer, and the client must see that."""

    def front_left(self, data: bytes, begun: Begun) -> None:
        """It is to be served from where it is, of these bytes."""


class Front(FastClient):
    """Each request goes by the lane that it fits: between two nothing is left of the first one."""

    __slots__ = (
        "_behind",
        "_fast",
        "_give_way",
        "_is_free",
        "_is_paused",
        "_is_told",
        "_lane",
        "_place",
        "_transport",
        "_watch",
        "requests",
    )

    def __init__(self, lane: FastLane, behind: Behind, place: Place | None) -> None:
        self._lane = lane
        self._behind = behind
        self._place = place
        self._give_way: GiveWay = behind.give_way
        self._fast: FastRequest | None = None
        self._is_free = False
        """Since the connection behind was at rest, nothing has happened that it must know of."""
        self._is_paused = False
        self._is_told = False
        """The connection behind knows of the request at hand, and is to hear of its end."""
        self._transport: asyncio.Transport | None = None
        self._watch: Watch | None = None
        self.requests = 0
        """How many have been served in front, or are."""
        self.peer = "unknown" if place is None else place.peer
        self.is_trusted = lane.trusts(self.peer)
        self.scheme = b"http"

    @property
    def is_serving(self) -> bool:
        """Whether a request is served in front."""
        return self._fast is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; part of asyncio's protocol, as what follows."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        if transport.get_extra_info("ssl_object") is not None:
            self.scheme = b"https"
        self._behind.connection_made(transport)
        self._watch = self._behind.watchdog

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        self._behind.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._fast is not None:
            self.tell()
        elif self._is_free or self._behind.is_at_rest():
            taken = self._lane.take(data, self)
            if isinstance(taken, FastRequest):
                self._serve(taken)
                return
            if taken:
                self.requests += 1
                self._rests()
                return
        self._is_free = False
        self._behind.data_received(data)

    def _serve(self, request: FastRequest) -> None:
        self._fast = request
        self._is_free = True
        self._is_told = False
        self.requests += 1
        request.begin()
        if self.is_serving and self._watch is not None:
            self._watch.patience.has_all()

    def _rests(self) -> None:
        """Nothing has happened but a request that is over: it waits for one again, if its answer is taken."""
        if self._is_paused:
            self._behind.front_ended(stays=True)
            return
        self._is_free = True
        if self._watch is not None:
            self._watch.idles(monotonic())
        if self._place is not None:
            self._place.waits(self._give_way)

    def tell(self) -> None:
        """Let the connection behind know of a request at hand, and ask it before the next one."""
        self._is_free = False
        if self._fast is not None:
            self._is_told = True
            self._behind.front_began()

    def let_go(self) -> None:
        """Nothing is sent any more."""
        self.tell()
        self._transport = None

    def abandon(self, *, has_left: bool) -> None:
        """End what is under way: its client has left, or is left."""
        fast, self._fast = self._fast, None
        if fast is not None:
            fast.abandon(has_left=has_left)

    def eof_received(self) -> bool | None:
        """It sends no more."""
        return self._behind.eof_received()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        self.tell()
        self._is_paused = True
        self._behind.pause_writing()
        if self._fast is not None:
            self._fast.pause()

    def resume_writing(self) -> None:
        """It takes more again."""
        self.tell()
        self._is_paused = False
        self._behind.resume_writing()
        if self._fast is not None:
            self._fast.resume()

    def may_go_on(self) -> bool:
        """Whether another request may follow the one at hand."""
        return self._is_free or self._behind.may_go_on()

    def send(self, pieces: list[Piece]) -> None:
        """Send them to the client, by one call: each call would be a packet."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def fast_ended(self, *, stays: bool) -> None:
        """The answer has gone out: whether another request may follow."""
        self._fast = None
        if stays and not self._is_told:
            self._rests()
        else:
            self._is_free = False
            self._behind.front_ended(stays=stays)

    def fast_broke(self, *, by_reset: bool) -> None:
        """There is no whole answer, and the client must see that."""
        self.tell()
        self._fast = None
        self._behind.front_broke(by_reset=by_reset)

    def fast_left(self, data: bytes, begun: Begun) -> None:
        """The other lane is to serve the request of these bytes, from where it is."""
        self._fast = None
        self._is_free = False
        self.requests -= 1
        self._behind.front_left(data, begun)
