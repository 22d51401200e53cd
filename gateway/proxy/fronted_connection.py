"""A client's connection behind the fast lane: it serves what that leaves, and knows what that does."""

import asyncio

from aiohttp import web

from gateway.connections import Place
from gateway.proxy.begun import Begun
from gateway.proxy.connection import Connection
from gateway.proxy.fastlane import FastLane
from gateway.proxy.front import Front
from gateway.proxy.patience import TimeLimits
from gateway.proxy.resets import reset
from gateway.telemetry.counters import Counters


class FrontedConnection(Connection):
    """`front` is what the event loop has. At the end it is let go, so that no collector need find the two."""

    __slots__ = ("_lane", "_parting", "front")

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
        self._parting: asyncio.Task[None] | None = None
        self.front: Front | None = Front(lane, self, place)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        self._abandon(has_left=True)
        if self._parting is not None:
            self._parting.cancel()
        super().connection_lost(exc)
        self.front = None

    @property
    def _is_idle(self) -> bool:
        return not self._is_front_serving and super()._is_idle

    @property
    def _requests(self) -> int:
        return super()._requests + (0 if self.front is None else self.front.requests)

    @property
    def _is_front_serving(self) -> bool:
        return self.front is not None and self.front.is_serving

    def give_way(self) -> bool | None:
        """Close, so that another has room, if that can be: whether it does. None: it does not wait."""
        return None if self._is_front_serving else super().give_way()

    def _take_no_more(self) -> None:
        if self.front is not None:
            self.front.tell()
        super()._take_no_more()

    def close(self) -> None:
        """Take no further request; the one at hand is answered first."""
        if self.front is not None:
            self.front.tell()
        super().close()

    def force_close(self) -> None:
        """Close at once."""
        if self.front is not None:
            self.front.let_go()
        super().force_close()

    def front_began(self) -> None:
        """A request is served in front: what comes now comes behind it."""
        self._is_answered = False
        self._reader.pass_over()

    def front_ended(self, *, stays: bool) -> None:
        """It has been answered: whether another may follow."""
        self._reader.pass_over()  # where it was the last, what still comes is no request
        if not self.answered(stays=stays) and self._parting is None:
            self._parting = self._loop.create_task(self._part())

    async def _part(self) -> None:
        await self.part()
        self.force_close()

    def front_broke(self, *, by_reset: bool) -> None:
        """It gets no whole answer, and the client must see that."""
        self._is_last = True
        if by_reset and self.transport is not None:
            reset(self.transport)
        self._wait()  # it is closed when the client has taken what was sent, if it does
        self.force_close()

    def front_left(self, data: bytes, begun: Begun) -> None:
        """It is to be served from where it is, of these bytes."""
        self.begun = begun
        self._is_answered = True
        self._receive(data + self._reader.go_back())
        if self._is_answered:
            self._give_up_begun()  # no more requests are taken

    def _give_up_begun(self) -> None:
        begun, self.begun = self.begun, None
        if begun is not None:
            self._lane.give_up(begun)

    def _abandon(self, *, has_left: bool) -> None:
        """End what is under way in front."""
        if self.front is not None:
            self.front.abandon(has_left=has_left)
        self._give_up_begun()
