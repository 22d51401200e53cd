"""Times and numbers, as they are told to people."""

from datetime import UTC, datetime

LATEST = 250_000_000_000.0
"""In the year 9892: what a calendar still knows."""


def instant(at: float) -> datetime:
    """Seconds since 1970 as a time with its zone; beyond the calendar's ends it is the end."""
    return datetime.fromtimestamp(min(max(at, 0.0), LATEST), UTC)


def clock(at: float) -> str:
    """The time of day in UTC, the same wherever it is read."""
    return f"{instant(at):%H:%M:%SZ}"


def moment(at: float, now: float) -> str:
    """The time of day, and the date before it where that is not today's, in UTC."""
    day = instant(at).date()
    return clock(at) if day == instant(now).date() else f"{day} {clock(at)}"


def number(value: float) -> str:
    """A rate or a count, as short as it can be read."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def counted(count: int, noun: str) -> str:
    """A number of things, as in ``1 look`` and ``2 looks``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(ratio: float) -> str:
    """A ratio in percent."""
    return f"{100 * ratio:.0f} %"
