"""A connection of aiohttp's server, with a place and with time limits of our own instead of its."""

import asyncio
import logging
from abc import abstractmethod
from typing import cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.clock import monotonic, wall
from gateway.connections import Place
from gateway.problems import Problem
from gateway.proxy.headers import last_answer
from gateway.proxy.last_chance import LAST_CHANCE_SECONDS, LastChance
from gateway.proxy.looks import has_left, has_something
from gateway.proxy.patience import Late, TimeLimits
from gateway.proxy.watch import Watch
from gateway.telemetry.counters import Counters

DEPARTURE_SECONDS = 0.5
"""How often a connection of which nothing is read is asked whether its client is still there."""

GOODBYE_SECONDS = 1.0
"""How long its client may take, when it is told that the connection ends, to end it too."""

READ_BYTES = 32768
"""Twice as much of a body may wait to be sent on before no more is read; a single read adds up to 256 kB."""

LINGER_SECONDS = 5.0
"""How long the rest of a body that nobody wants is taken, so that the answer is not lost in a reset."""


class _NoTimer(asyncio.Handle):
    """Stands where aiohttp's timer of idle connections would, so that it arms none."""

    def __init__(self) -> None:
        """Nothing is to be called."""

    def cancel(self) -> None:
        """Nothing is to be cancelled."""


_NO_TIMER = _NoTimer()

logger = logging.getLogger(__name__)


class WatchedConnection(RequestHandler):
    """Knows when the client may be late, and when the connection waits for nothing but a request."""

    __slots__ = ("_counters", "_departure", "_has_started", "_hurry", "_limits", "_place", "peer", "watchdog")

    def __init__(
        self,
        server: web.Server,
        counters: Counters,
        hurry: asyncio.Event,
        limits: TimeLimits,
        place: Place | None,
    ) -> None:
        """`place` is given back at the end."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=0.0,
            lingering_time=LINGER_SECONDS,
            read_bufsize=READ_BYTES,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            auto_decompress=False,
        )
        self.peer = "unknown" if place is None else place.peer
        """The address at the other end, as it was accepted: once it is reset, its socket tells none."""
        self._counters = counters
        self._hurry = hurry
        self._has_started = False
        self._limits = limits
        self._place = place
        self.watchdog: Watch
        """Of its client, once that is there."""
        self._departure: asyncio.TimerHandle | None = None

    @property
    @abstractmethod
    def _is_idle(self) -> bool:
        """Whether there is no request, and no part of one."""

    @property
    @abstractmethod
    def _method(self) -> str:
        """Of the request of which a part has come, if that is known."""

    @abstractmethod
    def _wait(self, size: int = 0) -> None:
        """Know what is to be waited for, now that `size` bytes have come."""

    def _abandon(self, *, has_left: bool) -> None:
        """End what is under way and not in aiohttp's hands: its client has left, or is left."""

    @abstractmethod
    def _lose_body(self, error: Exception) -> None:
        """Take no more of a body: whoever reads it gets the error."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; part of asyncio's protocol, as what follows."""
        self.transport = cast(asyncio.Transport, transport)
        if self._manager is not None:
            self._manager.connection_made(self, self.transport)
        self.watchdog = Watch(self._limits, self.transport, self._too_late)
        self._waits_for_request()

    def _start(self) -> None:
        """Have aiohttp begin: not before a request, as a connection that says nothing should cost little."""
        if not self._has_started and self.transport is not None:
            self._has_started = True
            self._keepalive_handle = _NO_TIMER
            super().connection_made(self.transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        self._let_go()
        if self._place is not None:
            self._place.leave()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        """Watch no more."""
        self.watchdog.stop()
        if self._departure is not None:
            self._departure.cancel()

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        super().pause_writing()
        self.watchdog.patience.sends(monotonic())
        self.watchdog.rearm()

    def resume_writing(self) -> None:
        """It takes more again."""
        super().resume_writing()
        self.watchdog.patience.has_sent()
        self._wait()  # of the last answer, what is little is still awaited

    def _pause_transport_reading(self) -> None:
        super()._pause_transport_reading()
        self.watchdog.patience.holds_body(monotonic())
        if self._departure is None:
            self._departure = self._loop.call_later(DEPARTURE_SECONDS, self._look_for_departure)

    def _look_for_departure(self) -> None:
        """While nothing is read, the event loop does not see that the client leaves."""
        self._departure = None
        transport = self.transport
        if transport is None or transport.is_closing() or not (self._reading_paused or self._buffer_paused):
            return
        if has_left(transport):
            transport.abort()
        else:
            self._departure = self._loop.call_later(DEPARTURE_SECONDS, self._look_for_departure)

    def _resume_transport_reading(self) -> None:
        super()._resume_transport_reading()
        self._wait()

    def _too_late(self, late: Late) -> None:
        """Part from a client that is too slow, with a 408 for a part of a request (RFC 9110 §15.5.9)."""
        if late is Late.PARTING:
            self.watchdog.part()
            return
        self._counters.count_late(late)
        logger.debug("%s is too slow with: %s", self.peer, late)
        if late is Late.ANSWER:
            self.watchdog.part()
        elif late is Late.BODY:
            self._lose_body(Problem(408, "The body came too slowly."))
        else:
            if late is Late.HEAD and self.transport is not None and not self.transport.is_closing():
                problem = Problem(408, "The head came too slowly.")
                is_head = self._method == "HEAD"
                self.transport.write(last_answer(problem.reply(), head_only=is_head, now=wall()))
            self.force_close()

    def _rests(self, now: float) -> None:
        """It waits for a request again."""
        self.watchdog.idles(now)
        self._waits_for_request()

    def _waits_for_request(self) -> None:
        if self._place is not None:
            self._place.waits(self.give_way)

    def _works(self) -> None:
        if self._place is not None:
            self._place.works()

    def give_way(self) -> bool | None:
        """Close, so that another has room: whether it does. Not if a request has come that is not read yet.

        Nor if its client has not taken all of an answer: until it has, a close would end nothing.
        """
        transport = self.transport
        if transport is None or transport.is_closing() or has_something(transport):
            return False
        if transport.get_write_buffer_size():
            self._waits_for_request()
            return False
        self.force_close()
        return True

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's signature
        """Let what has begun finish, and its client go, within `timeout` seconds, or until there is a hurry.

        aiohttp would close where a request may be on its way, and take up to twice as long.
        """
        self._start()
        task = self._task_handler
        if task is not None and not task.done():
            leaving = asyncio.create_task(self._leave(task))
            hurried = asyncio.create_task(self._hurry.wait())
            await asyncio.wait({leaving, hurried}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for ending in (leaving, hurried, task):
                ending.cancel()
            await asyncio.wait({leaving, hurried, task})
        self._abandon(has_left=False)
        self.force_close()

    @property
    def _requests(self) -> int:
        """How many have come."""
        return self._request_count

    def _take_no_more(self) -> None:
        """What comes now is no request."""
        self._close = True

    async def _leave(self, task: "asyncio.Task[None]") -> None:
        """End the connection when it has had its last chance to bring a request."""
        chance = LastChance()
        while not chance.is_over(self._requests, is_idle=self._is_idle):
            await asyncio.wait({task}, timeout=LAST_CHANCE_SECONDS)
            if task.done():
                return
            await asyncio.sleep(0)  # what came while the loop was busy is read first
        self._take_no_more()
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()  # a close could meet a request, and reset the connection
        elif self.transport is not None:
            self.transport.close()  # TLS says so by itself, and waits
        await asyncio.wait({task}, timeout=GOODBYE_SECONDS)
