"""The arithmetic of the sliding window. Times are whole microseconds since 1970 by Redis' clock.

A window of W seconds is cut into ``SUB_INTERVALS`` sub-intervals of w = W/60. Redis keeps one counter for
each. An admission is valid only if Redis executed it within E of the time that the node stamped on it
(`stamp_tolerance`); the sum that decides it reaches back far enough (`oldest_counted`) that no unit which
could share a window of W with it is left out, whatever the two stamps' errors were.

A window is a hash in Redis. The field of a sub-interval (`field`) is its number in decimal, and its value the
units that were counted in it; the field `BACKFILLED` is a counter of units.
"""

from collections.abc import Mapping

SUB_INTERVALS = 60
MICROSECONDS = 1_000_000
MIN_STAMP_TOLERANCE = 5_000
BACKFILLED = "posted"
"""The field that grows with each unit that is put into a sub-interval after its time."""
BACKFILLED_BYTES = BACKFILLED.encode()


def field(number: int) -> bytes:
    """The field of a sub-interval."""
    return b"%d" % number


def sub_interval(at: int, period_seconds: int) -> int:
    """The number of the sub-interval that `at` falls into."""
    return at * SUB_INTERVALS // (period_seconds * MICROSECONDS)


def stamp_tolerance(period_seconds: int) -> int:
    """E = max(5 ms, w/4): how far a stamp may be off. 2E < w, so a sub-interval two back is closed."""
    return max(MIN_STAMP_TOLERANCE, period_seconds * MICROSECONDS // (4 * SUB_INTERVALS))


def oldest_counted(at: int, period_seconds: int) -> int:
    """The first sub-interval that a decision stamped `at` counts, in full: ⌊(t − W − 2E)/w⌋."""
    reach = period_seconds * MICROSECONDS + 2 * stamp_tolerance(period_seconds)
    return sub_interval(at - reach, period_seconds)


def newest_counted(at: int, period_seconds: int) -> int:
    """The last one: a node whose stamps run ahead may have written to the next sub-interval already."""
    return sub_interval(at, period_seconds) + 1


def counted(fields: Mapping[int, int], at: int, period_seconds: int) -> dict[int, int]:
    """Of a hash, what a decision stamped `at` counts. A negative counter is damage: it counts as none."""
    span = range(oldest_counted(at, period_seconds), newest_counted(at, period_seconds) + 1)
    return {number: units for number, units in fields.items() if number in span and units > 0}


def oldest_kept(at: int, period_seconds: int) -> int:
    """The first sub-interval that any node may still count; those before it can be deleted."""
    reach = period_seconds * MICROSECONDS + 4 * stamp_tolerance(period_seconds)
    return sub_interval(at - reach, period_seconds) - 1


def leaves_at(number: int, period_seconds: int) -> int:
    """When sub-interval `number` stops being counted."""
    end = -(-(number + 1) * period_seconds * MICROSECONDS // SUB_INTERVALS)
    return end + period_seconds * MICROSECONDS + 2 * stamp_tolerance(period_seconds)


def key_lifetime_ms(period_seconds: int) -> int:
    """W + 2w + 1 s in milliseconds: an idle client's key expires when nothing in it counts any more."""
    return period_seconds * 1000 + 2 * period_seconds * 1000 // SUB_INTERVALS + 1000
