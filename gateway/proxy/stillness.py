"""How long a tunnel may stand still. No IO."""

from dataclasses import dataclass

CLOSING_SECONDS = 10.0
"""How long it may, once one end has said that nothing follows or is gone."""


@dataclass(frozen=True, slots=True)
class TunnelLimits:
    """How long nothing may come through, either way, and an end take nothing of what waits for it."""

    idle_seconds: float
    stuck_seconds: float


class Side:
    """What one end takes of what is sent to it."""

    __slots__ = ("_unsent_bytes", "stuck_since")

    def __init__(self) -> None:
        self.stuck_since: float | None = None
        """Since when it has taken nothing; None where it takes all that comes."""
        self._unsent_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether more comes for it than it takes."""
        return self.stuck_since is not None

    def fills(self, now: float) -> None:
        """It takes less than comes."""
        self.stuck_since = now

    def empties(self) -> None:
        """It takes more again."""
        self.stuck_since = None

    def look(self, now: float, unsent_bytes: int) -> bool:
        """Whether it has taken anything, or been given anything, since the last look."""
        before, self._unsent_bytes = self._unsent_bytes, unsent_bytes
        if unsent_bytes < before and self.stuck_since is not None:
            self.stuck_since = now
        return unsent_bytes != before


class Stillness:
    """Told what moves, and asked from time to time."""

    __slots__ = ("_limits", "_moved_at", "_patience_seconds", "client", "upstream")

    def __init__(self, limits: TunnelLimits, now: float) -> None:
        self.client = Side()
        self.upstream = Side()
        self._limits = limits
        self._patience_seconds = limits.idle_seconds
        self._moved_at = now

    def moves(self, now: float) -> None:
        """Something comes through."""
        self._moved_at = now

    def closes(self, now: float) -> None:
        """One end has said that nothing follows, or is gone: the rest has less time."""
        self._patience_seconds = min(self._patience_seconds, CLOSING_SECONDS)
        self._moved_at = now

    def until(self, now: float, to_client: int, to_upstream: int) -> float:
        """When to look again, or not after `now` where it has been still for too long.

        Args:
            to_client: bytes that were sent to it and have not reached it; `to_upstream` alike.
        """
        if self.client.look(now, to_client) | self.upstream.look(now, to_upstream):
            self._moved_at = now
        until = self._moved_at + self._patience_seconds
        for side in (self.client, self.upstream):
            if side.stuck_since is not None:
                until = min(until, side.stuck_since + self._limits.stuck_seconds)
        return until
