"""A client's connection with the fast lane in front: each request goes by it, or by aiohttp's server."""

import asyncio

from aiohttp import web

from gateway.clock import monotonic
from gateway.connections import Place
from gateway.proxy.answers import Piece
from gateway.proxy.begun import Begun
from gateway.proxy.connection import Connection
from gateway.proxy.fast_request import FastRequest
from gateway.proxy.fastlane import FastLane
from gateway.proxy.patience import TimeLimits
from gateway.proxy.resets import reset
from gateway.telemetry.counters import Counters


class FastConnection(Connection):
    """Between two requests nothing is left of the first one, so that the next may go by the other lane."""

    __slots__ = ("_fast", "_lane", "_parting", "is_trusted", "scheme")

    def __init__(
        self,
        lane: FastLane,
        server: web.Server,
        counters: Counters,
        hurry: asyncio.Event,
        shadowed: frozenset[bytes],
        limits: TimeLimits,
        place: Place | None = None,
    ) -> None:
        super().__init__(server, counters, hurry, shadowed, limits, place)
        self._lane = lane
        self._fast: FastRequest | None = None
        self.is_trusted = lane.trusts(self.peer)
        """Whether the peer is a trusted proxy."""
        self.scheme = b"http"
        """By which requests come: http or https."""
        self._parting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; part of asyncio's protocol, as what follows."""
        super().connection_made(transport)
        if transport.get_extra_info("ssl_object") is not None:
            self.scheme = b"https"

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        self._abandon(has_left=True)
        if self._parting is not None:
            self._parting.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._fast is not None:
            self._reader.pass_over()
        elif self._is_at_rest and not self._paused:
            taken = self._lane.take(data, self)
            if isinstance(taken, FastRequest):
                self._serve(taken)
                return
            if taken:
                self._request_count += 1
                self._rests(monotonic())
                return
        super().data_received(data)

    def _serve(self, request: FastRequest) -> None:
        self._fast = request
        self._is_answered = False
        self._request_count += 1
        request.begin()
        if self._fast is request:
            self._watch.patience.has_all()

    def _give_way(self) -> bool:
        return self._fast is None and super()._give_way()

    def send(self, pieces: list[Piece]) -> None:
        """Send them to the client, by one call: each call would be a packet."""
        if self.transport is not None:
            self.transport.writelines(pieces)

    def fast_ended(self, *, stays: bool) -> None:
        """The answer has gone out: whether another request may follow."""
        self._fast = None
        if stays and not (self._is_last or self._reader.ended):
            self._is_answered = True
            self._rests(monotonic())
            return
        self._reader.pass_over()  # where it was the last, what still comes is no request
        if not self.answered(stays=stays) and self._parting is None:
            self._parting = self._loop.create_task(self._part())

    async def _part(self) -> None:
        await self.part()
        self.force_close()

    def fast_broke(self, *, by_reset: bool = False) -> None:
        """There is no whole answer, and the client must see that."""
        self._fast = None
        self._is_last = True
        if by_reset and self.transport is not None:
            reset(self.transport)
        self._wait()  # it is closed when the client has taken what was sent, if it does
        self.force_close()

    def fast_left(self, data: bytes, begun: Begun) -> None:
        """The other lane is to serve the request of these bytes, from where it is."""
        self._fast = None
        self.begun = begun
        self._is_answered = True
        self._request_count -= 1  # aiohttp counts it itself
        self._receive(data + self._reader.go_back())
        if self._is_answered:
            self._give_up_begun()  # no more requests are taken

    def _give_up_begun(self) -> None:
        begun, self.begun = self.begun, None
        if begun is not None:
            self._lane.give_up(begun)

    def _abandon(self, *, has_left: bool) -> None:
        """End what is under way in the fast lane."""
        fast, self._fast = self._fast, None
        if fast is not None:
            fast.abandon(has_left=has_left)
        self._give_up_begun()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        super().pause_writing()
        if self._fast is not None:
            self._fast.pause()

    def resume_writing(self) -> None:
        """It takes more again."""
        super().resume_writing()
        if self._fast is not None:
            self._fast.resume()
