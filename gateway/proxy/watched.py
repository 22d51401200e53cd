"""A connection of aiohttp's server, with a place and with time limits of our own instead of its."""

import asyncio
import select
from abc import abstractmethod
from typing import cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.clock import monotonic
from gateway.connections import Place
from gateway.proxy.patience import Late, TimeLimits
from gateway.proxy.watch import Watch

LINGER_SECONDS = 5.0
"""How long the rest of a body that nobody wants is taken, so that the answer is not lost in a reset."""

_NEVER_SECONDS = 1e6
"""For aiohttp's own limit of idle connections."""


class WatchedConnection(RequestHandler):
    """Knows when the client may be late, and when the connection waits for nothing but a request."""

    __slots__ = ("_limits", "_place", "_watch")

    def __init__(self, server: web.Server, limits: TimeLimits, place: Place | None) -> None:
        """`place` is given back at the end."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_NEVER_SECONDS,
            lingering_time=LINGER_SECONDS,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to have none
            auto_decompress=False,
        )
        self._limits = limits
        self._place = place
        self._watch: Watch

    @abstractmethod
    def _wait(self, size: int = 0) -> None:
        """Know what is to be waited for, now that `size` bytes have come."""

    @abstractmethod
    def _too_late(self, late: Late) -> None:
        """Part from a client that takes too long for something."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; part of asyncio's protocol, as what follows."""
        super().connection_made(transport)
        self._watch = Watch(self._limits, cast(asyncio.Transport, transport), self._too_late)
        self._waits_for_request()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has left, or been left."""
        self._watch.stop()
        if self._place is not None:
            self._place.leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        super().pause_writing()
        self._watch.patience.sends(monotonic())
        self._watch.rearm()

    def resume_writing(self) -> None:
        """It takes more again."""
        super().resume_writing()
        self._watch.patience.has_sent()

    def _pause_transport_reading(self) -> None:
        super()._pause_transport_reading()
        self._watch.patience.holds_body(monotonic())

    def _resume_transport_reading(self) -> None:
        super()._resume_transport_reading()
        self._wait()

    def _waits_for_request(self) -> None:
        if self._place is not None:
            self._place.waits(self._give_way)

    def _works(self) -> None:
        if self._place is not None:
            self._place.works()

    def _give_way(self) -> bool:
        """Close, so that another has room; not if a request has come that has not been read yet."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        look = select.poll()
        look.register(transport.get_extra_info("socket"), select.POLLIN)
        if look.poll(0):
            return False
        self.force_close()
        return True
