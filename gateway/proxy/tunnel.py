"""A WebSocket tunnel: relays bytes between two connections, with idle and write timeouts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gateway.clock import monotonic
from gateway.proxy.tcp import read_remaining, rst_on_close, unsent_bytes

HALF_CLOSED_SECONDS = 10.0
"""Idle timeout once one endpoint has sent FIN or is gone."""


@dataclass(frozen=True, slots=True)
class TunnelLimits:
    """Timeouts without a byte relayed in either direction, and without write progress to a slow endpoint."""

    idle_seconds: float
    write_timeout_seconds: float


class Direction:
    """Write progress towards one endpoint."""

    __slots__ = ("_unsent_bytes", "blocked_since")

    def __init__(self) -> None:
        self.blocked_since: float | None = None
        """Since when the endpoint has received nothing; None while it receives all that is written."""
        self._unsent_bytes = 0

    @property
    def is_blocked(self) -> bool:
        """Whether more is written than the endpoint receives."""
        return self.blocked_since is not None

    def blocked(self, now: float) -> None:
        """The transport's buffer is full."""
        self.blocked_since = now

    def unblocked(self) -> None:
        """The transport's buffer has drained."""
        self.blocked_since = None

    def update(self, now: float, unsent_bytes: int) -> bool:
        """Whether bytes were written to or received by the endpoint since the last call."""
        before, self._unsent_bytes = self._unsent_bytes, unsent_bytes
        if unsent_bytes < before and self.blocked_since is not None:
            self.blocked_since = now
        return unsent_bytes != before


class TunnelTimer:
    """Deadlines of a tunnel, without a timer."""

    __slots__ = ("_active_at", "_idle_seconds", "_limits", "client", "upstream")

    def __init__(self, limits: TunnelLimits, now: float) -> None:
        self.client = Direction()
        self.upstream = Direction()
        self._limits = limits
        self._idle_seconds = limits.idle_seconds
        self._active_at = now

    def on_data(self, now: float) -> None:
        """Bytes are relayed."""
        self._active_at = now

    def on_half_close(self, now: float) -> None:
        """One endpoint has sent FIN or is gone: the idle timeout is shorter from now on."""
        self._idle_seconds = min(self._idle_seconds, HALF_CLOSED_SECONDS)
        self._active_at = now

    def deadline(self, now: float, to_client: int, to_upstream: int) -> float:
        """When the tunnel times out if nothing happens; at or before `now` if it has.

        Args:
            to_client: bytes written to the client that have not reached it; `to_upstream` alike.
        """
        if self.client.update(now, to_client) | self.upstream.update(now, to_upstream):
            self._active_at = now
        until = self._active_at + self._idle_seconds
        for direction in (self.client, self.upstream):
            if direction.blocked_since is not None:
                until = min(until, direction.blocked_since + self._limits.write_timeout_seconds)
        return until


REMAINING_BYTES = 262144
"""As much as one read of the event loop."""


class TunnelEndpoint(asyncio.Protocol):
    """One of the two connections. It is not read until the tunnel starts."""

    def __init__(self, tunnel: "Tunnel") -> None:
        self.transport: asyncio.Transport | None = None
        self.has_eof = False
        """Whether the peer has sent FIN."""
        self._tunnel = tunnel

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were written and have not reached the peer."""
        return 0 if self.transport is None else unsent_bytes(self.transport)

    def write(self, data: bytes) -> None:
        """Write bytes if the connection is open."""
        if self.transport is not None and self.is_open and data:
            self.transport.write(data)

    def write_eof(self) -> None:
        """Send FIN; close where that is not possible, as with TLS."""
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
                rst_on_close(self.transport)
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def set_reading(self, *, paused: bool) -> None:
        """Pause or resume reading."""
        if self.transport is None or self.has_eof:
            return
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._tunnel.relay(self, data)

    def eof_received(self) -> bool:
        if not self.has_eof:
            self.has_eof = True
            self._tunnel.on_eof(self)
        return self.is_open and self.transport is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        self._tunnel.on_blocked(self)

    def resume_writing(self) -> None:
        self._tunnel.on_unblocked(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        transport, self.transport = self.transport, None
        rest = b""
        if transport is not None and exc is not None:
            rest = read_remaining(transport, REMAINING_BYTES)
        self._tunnel.on_lost(self, rest, broken=exc is not None)


class Tunnel:
    """Ends when both connections are closed; closes both if either is idle or blocked for too long."""

    def __init__(self, limits: TunnelLimits) -> None:
        self.client = TunnelEndpoint(self)
        self.upstream = TunnelEndpoint(self)
        self._deadlines = TunnelTimer(limits, monotonic())
        self._timer: asyncio.TimerHandle | None = None
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, call: Callable[[], None]) -> None:
        """Register a callback for the end of the tunnel."""
        self._at_end.append(call)

    def start(self, *, to_client: bytes, to_upstream: bytes) -> None:
        """Relay from now on. The arguments are bytes that came before the start."""
        self.client.write(to_client)
        self.upstream.write(to_upstream)
        self.client.set_reading(paused=self._deadlines.upstream.is_blocked)
        self.upstream.set_reading(paused=self._deadlines.client.is_blocked)
        self._check()

    def abort(self) -> None:
        """Close both connections at once; unsent bytes are lost."""
        self.client.abort()
        self.upstream.abort()

    def other(self, endpoint: TunnelEndpoint) -> TunnelEndpoint:
        """The endpoint on the other side."""
        return self.upstream if endpoint is self.client else self.client

    def relay(self, endpoint: TunnelEndpoint, data: bytes) -> None:
        """Bytes came from an endpoint."""
        self._deadlines.on_data(monotonic())
        self.other(endpoint).write(data)

    def on_blocked(self, endpoint: TunnelEndpoint) -> None:
        """An endpoint receives less than is written: the other one is not read for now."""
        self._direction(endpoint).blocked(monotonic())
        self.other(endpoint).set_reading(paused=True)
        self._check()

    def on_unblocked(self, endpoint: TunnelEndpoint) -> None:
        """The transport's buffer has drained: the other endpoint is read again."""
        self._direction(endpoint).unblocked()
        self.other(endpoint).set_reading(paused=False)

    def on_eof(self, endpoint: TunnelEndpoint) -> None:
        """An endpoint has sent FIN."""
        other = self.other(endpoint)
        if other.has_eof:
            endpoint.close()
            other.close()
        else:
            other.write_eof()
        self._deadlines.on_half_close(monotonic())
        self._check()

    def on_lost(self, endpoint: TunnelEndpoint, rest: bytes, *, broken: bool) -> None:
        """A connection is closed. The other one gets `rest`, and a reset if no sent byte is lost by it."""
        other = self.other(endpoint)
        other.write(rest)
        other.close(by_reset=broken and not endpoint.has_eof and not other.unsent_bytes)
        if other.transport is None:
            self._end()
        else:
            self._deadlines.on_half_close(monotonic())
            self._check()

    def _direction(self, endpoint: TunnelEndpoint) -> Direction:
        return self._deadlines.client if endpoint is self.client else self._deadlines.upstream

    def _check(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = monotonic()
        until = self._deadlines.deadline(now, self.client.unsent_bytes, self.upstream.unsent_bytes)
        if until <= now:
            self.abort()
        else:
            self._timer = asyncio.get_running_loop().call_later(until - now, self._check)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        calls, self._at_end = self._at_end, []
        for call in calls:
            call()
