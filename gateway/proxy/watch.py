"""Watches one client's connection with one timer, and tells when its client has been too slow."""

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable
from math import inf

from gateway.clock import monotonic
from gateway.proxy.patience import Late, Patience, TimeLimits
from gateway.proxy.resets import reset

TURN_SECONDS = 0.05
"""Before a client is called late, what came while the event loop was busy is read."""


class Watch:
    """Tell `patience` what happens, and call `rearm` where it may have to look sooner than before.

    A timer that is due too early is armed again when it fires, so a request costs none.
    """

    __slots__ = ("_late", "_loop", "_suspected", "_timer", "_transport", "armed_until", "patience")

    def __init__(
        self, limits: TimeLimits, transport: asyncio.Transport, late: Callable[[Late], None]
    ) -> None:
        """`late` is called with what the client of a new connection is late with, until `stop`."""
        self.patience = Patience(limits, monotonic())
        self._transport: asyncio.Transport | None = transport
        self._late: Callable[[Late], None] | None = late
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.armed_until = inf
        """When it looks again, or sooner."""
        self._suspected: Late | None = None
        self.rearm()

    def rearm(self) -> None:
        """Look as soon as the patience says, if that is sooner than was known."""
        until = self.patience.until
        if until < self.armed_until:
            self._look_in(until - monotonic())
            self.armed_until = until

    def idles(self, now: float) -> None:
        """The client owes a request, of which nothing is there."""
        self.patience.idles(now)
        if self.armed_until > self.patience.idle_until:
            self.rearm()

    def stop(self) -> None:
        """The connection is over; both let go of each other, so that no collector need find them."""
        if self._timer is not None:
            self._timer.cancel()
        self.armed_until = -inf
        self._transport = self._late = None

    @property
    def buffered_bytes(self) -> int:
        """What was written and is still here."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def part(self) -> None:
        """End the connection by a reset, whatever is still to be sent."""
        if self._transport is not None:
            reset(self._transport)

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.001, seconds), self._look)

    def _look(self) -> None:
        if self._transport is None or self._late is None:
            return
        self._timer, self.armed_until = None, inf
        late = self.patience.look(monotonic(), unsent_bytes(self._transport))
        if late is None:
            self._suspected = None
            self.rearm()
        elif late is not self._suspected:
            self._suspected = late
            self._look_in(TURN_SECONDS)
        else:
            self._suspected = None
            self.patience.parts(monotonic())
            self.rearm()
            self._late(late)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What was written and has not reached the other side: here, and where the kernel tells it, there."""
    waiting = transport.get_write_buffer_size()
    own = transport.get_extra_info("socket")
    if own is None:  # by TLS the socket can be gone before the connection is lost
        return waiting
    try:
        # Linux' SIOCOUTQ: the kernel's own buffer holds megabytes, and is not filled until a third is free.
        told = fcntl.ioctl(own.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return waiting
    (underway,) = struct.unpack("i", told)
    return waiting + int(underway)
