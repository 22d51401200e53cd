"""The window's arithmetic once more, by itself, so that a mistake in the product's is seen."""

from tests.model.world import MICROSECONDS

SUB_INTERVALS = 60
MOST_FIELDS = SUB_INTERVALS + 6


def length_of(key: str) -> int:
    """The period that a window's key names, in microseconds."""
    return int(key.rsplit(":", 2)[1]) * MICROSECONDS


def width(length: int) -> int:
    """A sub-interval's microseconds, rounded down."""
    return length // SUB_INTERVALS


def tolerance(length: int) -> int:
    """E."""
    return max(5_000, length // (4 * SUB_INTERVALS))


def began(number: int, length: int) -> int:
    """When a sub-interval began."""
    return number * length // SUB_INTERVALS


def oldest_that_may_count(at: int, length: int) -> int:
    """The first sub-interval that a valid decision may count which is executed at Redis' `at`, or later.

    Its stamp is later than `at` − E, and counts back over W + 2E, the oldest in full.
    """
    return (at - length - 3 * tolerance(length)) * SUB_INTERVALS // length
