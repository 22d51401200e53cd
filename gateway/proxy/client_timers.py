"""Timeouts of one client connection: head, body, write, idle and minimum data rate, by one timer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from gateway.clock import monotonic
from gateway.proxy.tcp import abort_with_rst, unsent_bytes

MIN_BYTES_PER_SECOND = 240.0


def min_rate_error() -> TimeoutError:
    """The error of a body of known length that is below the minimum data rate."""
    return TimeoutError(f"a body of known length came at less than {MIN_BYTES_PER_SECOND:g} bytes a second")


class MinDataRate:
    """A minimum data rate of one body, as Kestrel's: pauses are allowed, but they use up a budget.

    Only time counts in which there was nothing to pass on, so a slow reader at the other end does no harm.
    """

    __slots__ = ("_idle_seconds", "_min_bytes_per_second", "budget_seconds")

    def __init__(self, idle_seconds: float, min_bytes_per_second: float = MIN_BYTES_PER_SECOND) -> None:
        """`idle_seconds` is the whole budget; each byte refills it, at a rate of 0 completely."""
        self._idle_seconds = idle_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self.budget_seconds = idle_seconds
        """How long to wait for the next piece."""

    def on_wait(self, seconds: float, size: int) -> None:
        """A piece of `size` bytes came after a wait of `seconds`."""
        left = self.budget_seconds - seconds + self._refill(size)
        self.budget_seconds = max(0.0, min(left, self._idle_seconds))

    def _refill(self, size: int) -> float:
        if self._min_bytes_per_second:
            return size / self._min_bytes_per_second
        return self._idle_seconds if size else 0.0


WRITE_CHECK_SECONDS = 0.5
"""Shortest time between two checks of how much of a response the client has received."""

CLOSE_TIMEOUT_SECONDS = 2.0
"""Time for a client that has timed out to receive the 408 and close."""


@dataclass(frozen=True, slots=True)
class ClientTimeLimits:
    """Limits for one client connection.

    head_seconds: from the first byte of a request's head to its end; for the first request from the accept.
    body_seconds: without a byte of the request's body; each byte refills the budget (see `MinDataRate`).
    response_seconds: without progress in sending a response; as above.
    idle_seconds: between two requests.
    min_bytes_per_second: of a body and a response in the long run; 0 is any rate.
    """

    head_seconds: float = 8.0
    body_seconds: float = 8.0
    response_seconds: float = 60.0
    idle_seconds: float = 75.0
    min_bytes_per_second: float = MIN_BYTES_PER_SECOND


class TimeoutKind(StrEnum):
    """What timed out. The values are labels of a metric."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    RESPONSE = "answer"
    CLOSING = "parting"


class ClientTimeouts:
    """Deadlines of one client connection, without a timer: what is waited for, and until when."""

    __slots__ = (
        "_body_rate",
        "_body_since",
        "_closing_until",
        "_head_until",
        "_limits",
        "_sending",
        "idle_until",
    )

    def __init__(self, limits: ClientTimeLimits, now: float) -> None:
        """The client has just connected, and has `head_seconds` for its first request."""
        self._limits = limits
        self._head_until = now + limits.head_seconds
        self.idle_until = self._head_until
        """When the idle timeout expires; infinity during a request."""
        self._closing_until = inf
        self._body_rate: MinDataRate | None = None
        self._body_since = inf
        self._sending: _SendProgress | None = None

    @property
    def next_check(self) -> float:
        """When to call `expired` again, at the latest."""
        until = min(self._head_until, self.idle_until, self._closing_until)
        if self._body_rate is not None:
            until = min(until, self._body_until)
        return until if self._sending is None else min(until, self._sending.next_check)

    def on_idle(self, now: float) -> None:
        """The connection waits for a request, of which no byte has come."""
        self._head_until = self._body_since = inf
        self._body_rate = None
        self.idle_until = now + self._limits.idle_seconds

    def on_head(self, now: float) -> None:
        """A part of a request's head has come, perhaps not the first."""
        if self._head_until == inf:
            self.on_complete()
            self._head_until = now + self._limits.head_seconds
        self.idle_until = inf

    def on_body_wait(self, now: float) -> None:
        """More of the body is expected, and the connection is read."""
        if self._body_rate is None:
            self.on_complete()
            self._body_rate = MinDataRate(self._limits.body_seconds, self._limits.min_bytes_per_second)
        if self._body_since == inf:
            self._body_since = now

    def on_body(self, now: float, size: int) -> None:
        """`size` bytes of the body have come."""
        if self._body_rate is not None and self._body_since < inf:
            self._body_rate.on_wait(now - self._body_since, size)
            self._body_since = now

    def on_body_paused(self, now: float) -> None:
        """The connection is not read for now, so the client cannot be late with the body."""
        self.on_body(now, 0)
        self._body_since = inf

    def on_complete(self) -> None:
        """The request is complete, or the rest of it is not wanted."""
        self._head_until = self.idle_until = self._body_since = inf
        self._body_rate = None

    def on_write(self, now: float) -> None:
        """More is written than the client receives at once."""
        if self._sending is None:
            self._sending = _SendProgress(self._limits, now)

    def on_drained(self) -> None:
        """The client has received all that was written, or nearly."""
        self._sending = None

    def on_close(self, now: float) -> None:
        """The client has timed out, and has a last moment to receive the reply."""
        self.on_complete()
        self._sending = None
        self._closing_until = now + CLOSE_TIMEOUT_SECONDS

    def expired(self, now: float, unsent_bytes: int) -> TimeoutKind | None:
        """Which timeout has expired; `unsent_bytes` were written and have not reached the client."""
        if self._sending is not None and self._sending.is_expired(now, unsent_bytes):
            return TimeoutKind.RESPONSE
        for kind, until in (
            (TimeoutKind.IDLE, self.idle_until),
            (TimeoutKind.HEAD, self._head_until),
            (TimeoutKind.BODY, self._body_until),
            (TimeoutKind.CLOSING, self._closing_until),
        ):
            if now >= until:
                return kind
        return None

    @property
    def _body_until(self) -> float:
        return inf if self._body_rate is None else self._body_since + self._body_rate.budget_seconds


class _SendProgress:
    """How fast a client receives what is written, measured from the first check on."""

    __slots__ = ("_checked_at", "_rate", "_unsent_bytes")

    def __init__(self, limits: ClientTimeLimits, now: float) -> None:
        self._rate = MinDataRate(limits.response_seconds, limits.min_bytes_per_second)
        self._checked_at = now
        self._unsent_bytes: int | None = None
        """At the last check. Before the first one more is still being written."""

    @property
    def next_check(self) -> float:
        if self._unsent_bytes is None:
            return self._checked_at + WRITE_CHECK_SECONDS
        return self._checked_at + max(WRITE_CHECK_SECONDS, self._rate.budget_seconds)

    def is_expired(self, now: float, unsent_bytes: int) -> bool:
        if now >= self.next_check:
            if self._unsent_bytes is not None:
                self._rate.on_wait(now - self._checked_at, max(0, self._unsent_bytes - unsent_bytes))
            self._checked_at, self._unsent_bytes = now, unsent_bytes
        return self._rate.budget_seconds <= 0.0


GRACE_SECONDS = 0.05
"""Delay after a deadline, in which data is read that arrived while the event loop was busy."""


class ClientTimer:
    """The timer of one connection's `timeouts`. Call `rearm` after a change that may bring the check forward.

    It is not moved back when a deadline is, but armed again when it fires, so a request costs no timer.
    """

    __slots__ = ("_loop", "_on_timeout", "_suspected", "_timer", "_transport", "armed_until", "timeouts")

    def __init__(
        self,
        limits: ClientTimeLimits,
        transport: asyncio.Transport,
        on_timeout: Callable[[TimeoutKind], None],
    ) -> None:
        """Starts with a new connection; `on_timeout` may be called until `stop`."""
        self.timeouts = ClientTimeouts(limits, monotonic())
        self._transport: asyncio.Transport | None = transport
        self._on_timeout: Callable[[TimeoutKind], None] | None = on_timeout
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.armed_until = inf
        """When the timer fires, at the latest."""
        self._suspected: TimeoutKind | None = None
        self.rearm()

    def rearm(self) -> None:
        """Bring the timer forward if the next check is due before it fires."""
        until = self.timeouts.next_check
        if until < self.armed_until:
            self._check_in(until - monotonic())
            self.armed_until = until

    def on_idle(self, now: float) -> None:
        """The connection waits for a request, of which no byte has come."""
        self.timeouts.on_idle(now)
        if self.armed_until > self.timeouts.idle_until:
            self.rearm()

    def stop(self) -> None:
        """The connection is closed. Drops the references to it, which would be a cycle."""
        if self._timer is not None:
            self._timer.cancel()
        self.armed_until = -inf
        self._transport = self._on_timeout = None

    @property
    def buffered_bytes(self) -> int:
        """Bytes that were written and are still in this process."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Reset the connection, whatever is still to be sent."""
        if self._transport is not None:
            abort_with_rst(self._transport)

    def _check_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.001, seconds), self._check)

    def _check(self) -> None:
        if self._transport is None or self._on_timeout is None:
            return
        self._timer, self.armed_until = None, inf
        kind = self.timeouts.expired(monotonic(), unsent_bytes(self._transport))
        if kind is None:
            self._suspected = None
            self.rearm()
        elif kind is not self._suspected:
            self._suspected = kind
            self._check_in(GRACE_SECONDS)
        else:
            self._suspected = None
            self.timeouts.on_close(monotonic())
            self.rearm()
            self._on_timeout(kind)
