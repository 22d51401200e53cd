"""How long to wait for a client: for a request, for its body, and until it has taken an answer. No IO.

All times are seconds of one monotonic clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from gateway.proxy.pace import LEAST_BYTES_PER_SECOND, Pace

LOOK_SECONDS = 0.5
"""What a client takes of an answer is looked at no more often than that."""

PARTING_SECONDS = 2.0
"""How long a client that was too slow may take to be told so."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """What a client may take.

    head_seconds: for a request's head, from its first byte; of the first request from the connection on.
    body_seconds: in which nothing of a body comes; each byte gives time back.
    answer_seconds: in which it takes nothing of an answer that waits; as above.
    idle_seconds: between two requests.
    least_bytes_per_second: what a body or an answer must keep up in the long run; 0 is any rate.
    """

    head_seconds: float = 8.0
    body_seconds: float = 8.0
    answer_seconds: float = 60.0
    idle_seconds: float = 75.0
    least_bytes_per_second: float = LEAST_BYTES_PER_SECOND


class Late(StrEnum):
    """What a client has taken too long for."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    PARTING = "parting"


class Patience:
    """With one client. It owes a request, or more of a body, or nothing; and to take what is sent to it."""

    __slots__ = ("_body_since", "_head_until", "_limits", "_pace", "_parting_until", "_taking", "idle_until")

    def __init__(self, limits: TimeLimits, now: float) -> None:
        """It has just connected."""
        self._limits = limits
        self._head_until = now + limits.head_seconds
        self.idle_until = self._head_until
        """When it is late with the next request, if it owes one."""
        self._parting_until = inf
        self._pace: Pace | None = None
        self._body_since = inf
        self._taking: _Taking | None = None

    @property
    def until(self) -> float:
        """When to `look` again."""
        until = min(self._head_until, self.idle_until, self._parting_until)
        if self._pace is not None:
            until = min(until, self._body_until)
        return until if self._taking is None else min(until, self._taking.until)

    def idles(self, now: float) -> None:
        """It owes a request, of which nothing is there."""
        self._head_until = self._body_since = inf
        self._pace = None
        self.idle_until = now + self._limits.idle_seconds

    def begins(self, now: float) -> None:
        """A part of a request's head is there, perhaps not the first."""
        if self._head_until == inf:
            self.has_all()
            self._head_until = now + self._limits.head_seconds
        self.idle_until = inf

    def awaits_body(self, now: float) -> None:
        """It may send more of a body."""
        if self._pace is None:
            self.has_all()
            self._pace = Pace(self._limits.body_seconds, self._limits.least_bytes_per_second)
        if self._body_since == inf:
            self._body_since = now

    def takes_body(self, now: float, size: int) -> None:
        """So many bytes of it have come."""
        if self._pace is not None and self._body_since < inf:
            self._pace.waited(now - self._body_since, size)
            self._body_since = now

    def holds_body(self, now: float) -> None:
        """It may send nothing for the time being, so that it is no fault of its own if nothing comes."""
        self.takes_body(now, 0)
        self._body_since = inf

    def has_all(self) -> None:
        """A whole request is there, or what is missing is not wanted any more."""
        self._head_until = self.idle_until = self._body_since = inf
        self._pace = None

    def sends(self, now: float) -> None:
        """More waits to be taken by the client than it takes at once."""
        if self._taking is None:
            self._taking = _Taking(self._limits, now)

    def has_sent(self) -> None:
        """It has taken all of it, or nearly."""
        self._taking = None

    def parts(self, now: float) -> None:
        """It has been too slow, and is told so."""
        self.has_all()
        self._taking = None
        self._parting_until = now + PARTING_SECONDS

    def look(self, now: float, unsent_bytes: int) -> Late | None:
        """What it is late with, where `unsent_bytes` of what was sent have not reached it."""
        if self._taking is not None and self._taking.is_late(now, unsent_bytes):
            return Late.ANSWER
        for late, until in (
            (Late.IDLE, self.idle_until),
            (Late.HEAD, self._head_until),
            (Late.BODY, self._body_until),
            (Late.PARTING, self._parting_until),
        ):
            if now >= until:
                return late
        return None

    @property
    def _body_until(self) -> float:
        return inf if self._pace is None else self._body_since + self._pace.patience_seconds


class _Taking:
    """How a client takes what waits for it, from the first look on: until then more is still written."""

    __slots__ = ("_looked", "_pace", "_unsent_bytes")

    def __init__(self, limits: TimeLimits, now: float) -> None:
        self._pace = Pace(limits.answer_seconds, limits.least_bytes_per_second)
        self._looked = now
        self._unsent_bytes: int | None = None

    @property
    def until(self) -> float:
        if self._unsent_bytes is None:
            return self._looked + LOOK_SECONDS
        return self._looked + max(LOOK_SECONDS, self._pace.patience_seconds)

    def is_late(self, now: float, unsent_bytes: int) -> bool:
        if now >= self.until:
            if self._unsent_bytes is not None:
                self._pace.waited(now - self._looked, max(0, self._unsent_bytes - unsent_bytes))
            self._looked, self._unsent_bytes = now, unsent_bytes
        return self._pace.patience_seconds <= 0.0
