"""Two connections whose bytes go over to each other as they are, once both ends have switched protocols."""

import asyncio
from collections.abc import Callable
from typing import cast

from gateway.clock import monotonic
from gateway.proxy.resets import reset_at_close, unread
from gateway.proxy.stillness import Side, Stillness, TunnelLimits
from gateway.proxy.watch import unsent_bytes

UNREAD_BYTES = 262144
"""As much as one read takes."""


class End(asyncio.Protocol):
    """One connection of the two. Until the tunnel starts it is not read."""

    def __init__(self, tunnel: "Tunnel") -> None:
        self.transport: asyncio.Transport | None = None
        self.has_ended = False
        """Whether it has said that nothing follows."""
        self._tunnel = tunnel

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """What was sent to it and has not reached it."""
        return 0 if self.transport is None else unsent_bytes(self.transport)

    def write(self, data: bytes) -> None:
        """Send bytes to it."""
        if self.transport is not None and self.is_open and data:
            self.transport.write(data)

    def finish(self) -> None:
        """Say that nothing follows; where that cannot be said by itself, as in TLS, close."""
        if self.transport is None or not self.is_open:
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def close(self, *, by_reset: bool = False) -> None:
        """Close when all has been written."""
        if self.transport is not None and self.is_open:
            if by_reset:
                reset_at_close(self.transport)
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def hold(self, *, still: bool) -> None:
        """Read it, or not for a while."""
        if self.transport is None or self.has_ended:
            return
        if still:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there; part of asyncio's protocol, as what follows."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what it sends."""
        self._tunnel.pass_on(self, data)

    def eof_received(self) -> bool:
        """It sends no more; whether it may still be written to."""
        if not self.has_ended:
            self.has_ended = True
            self._tunnel.ended(self)
        return self.is_open and self.transport is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        """It takes less than comes."""
        self._tunnel.filled(self)

    def resume_writing(self) -> None:
        """It takes more again."""
        self._tunnel.emptied(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone."""
        transport, self.transport = self.transport, None
        rest = unread(transport, UNREAD_BYTES) if transport is not None and exc is not None else b""
        self._tunnel.lost(self, rest, broken=exc is not None)


class Tunnel:
    """Lives by its connections: ends when both are closed, whoever closes first, and closes both in time."""

    def __init__(self, limits: TunnelLimits) -> None:
        self.client = End(self)
        self.upstream = End(self)
        self._stillness = Stillness(limits, monotonic())
        self._watch: asyncio.TimerHandle | None = None
        self._is_over = asyncio.Event()
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, call: Callable[[], None]) -> None:
        """Call something when it is over."""
        self._at_end.append(call)

    def start(self, *, to_client: bytes, to_upstream: bytes) -> None:
        """Both ends are there; what has come for them already goes first."""
        self.client.write(to_client)
        self.upstream.write(to_upstream)
        self.client.hold(still=self._stillness.upstream.is_full)
        self.upstream.hold(still=self._stillness.client.is_full)
        self._look()

    async def run(self) -> None:
        """Until it is over. If this is cancelled, that is at once."""
        try:
            await self._is_over.wait()
        except asyncio.CancelledError:
            self.abort()
            await self._is_over.wait()
            raise

    def abort(self) -> None:
        """End it, with what has not been sent."""
        self.client.abort()
        self.upstream.abort()

    def other(self, end: End) -> End:
        """The one at the other side."""
        return self.upstream if end is self.client else self.client

    def pass_on(self, end: End, data: bytes) -> None:
        """Bytes from one end."""
        self._stillness.moves(monotonic())
        self.other(end).write(data)

    def filled(self, end: End) -> None:
        """One end takes less than comes: the other is to wait."""
        self._side(end).fills(monotonic())
        self.other(end).hold(still=True)
        self._look()

    def emptied(self, end: End) -> None:
        """It takes more again."""
        self._side(end).empties()
        self.other(end).hold(still=False)

    def ended(self, end: End) -> None:
        """One end sends no more."""
        other = self.other(end)
        if other.has_ended:
            end.close()
            other.close()
        else:
            other.finish()
        self._stillness.closes(monotonic())
        self._look()

    def lost(self, end: End, rest: bytes, *, broken: bool) -> None:
        """One end is gone; the other gets the rest, and sees a reset if that takes nothing along."""
        other = self.other(end)
        other.write(rest)
        other.close(by_reset=broken and not end.has_ended and not other.unsent_bytes)
        if other.transport is None:
            self._end()
        else:
            self._stillness.closes(monotonic())
            self._look()

    def _side(self, end: End) -> Side:
        return self._stillness.client if end is self.client else self._stillness.upstream

    def _look(self) -> None:
        """Whether to have patience for longer."""
        if self._watch is not None:
            self._watch.cancel()
        now = monotonic()
        until = self._stillness.until(now, self.client.unsent_bytes, self.upstream.unsent_bytes)
        if until <= now:
            self.abort()
        else:
            self._watch = asyncio.get_running_loop().call_later(until - now, self._look)

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._is_over.set()
        calls, self._at_end = self._at_end, []
        for call in calls:
            call()
