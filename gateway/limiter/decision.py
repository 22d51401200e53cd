"""From Redis' replies to who is admitted. No IO and no clock; times are Redis microseconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.contract import window
from gateway.contract.limits import Limit
from gateway.contract.window import MICROSECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision about one request, and what it leaves."""

    admitted: bool
    remaining: int
    wait_seconds: float  # until more than `remaining` comes free


@dataclass(frozen=True, slots=True)
class Reading:
    """What Redis answered for one key: its counters when `units` had been added to sub-interval `number`.

    `after` is the reply of the HINCRBY itself, so no two nodes can read the same place as theirs; `others`
    are the other fields that count (a node in the neighbouring sub-interval may have added to them since,
    which can only make this stricter).
    """

    stamp: int
    number: int
    units: int
    after: int
    others: Mapping[int, int]

    @property
    def before(self) -> int:
        """The units that count and stand before these. A negative counter is damage and counts as none."""
        return max(0, self.after - self.units) + sum(self.others.values())


def read(stamp: int, period_seconds: int, units: int, after: int, fields: Mapping[int, int]) -> Reading:
    """Keep of a whole hash what counts at `stamp`."""
    number = window.sub_interval(stamp, period_seconds)
    counted = range(
        window.oldest_counted(stamp, period_seconds), window.newest_counted(stamp, period_seconds) + 1
    )
    others = {i: count for i, count in fields.items() if i in counted and i != number and count > 0}
    return Reading(stamp, number, units, after, others)


def timely(stamp: int, period_seconds: int, executed: Iterable[int]) -> bool:
    """Whether Redis worked on the batch within E of `stamp`; else no admission by it counts."""
    tolerance = window.stamp_tolerance(period_seconds)
    return all(abs(moment - stamp) <= tolerance for moment in executed)


def decide(reading: Reading, limits: Iterable[Limit]) -> list[Standing]:
    """One standing for each waiting request, in order: the first max(0, N − before) are admitted.

    `limits` has one entry a request; they share a period and may differ in quota (a limit just changed).
    A refused unit is given back, so it takes no place from those behind it.
    """
    taken = reading.before
    standings = []
    for limit in limits:
        admitted = taken < limit.quota
        taken += admitted
        remaining = max(0, limit.quota - taken)
        wait = _wait(reading, limit, taken)
        standings.append(Standing(admitted, remaining, wait / MICROSECONDS))
    return standings


def _wait(reading: Reading, limit: Limit, standing: int) -> int:
    """Microseconds until fewer than min(N, standing) units stand, if nobody adds any."""
    surplus = max(standing - limit.quota, 0)
    own = standing - sum(reading.others.values())
    for number, count in sorted([*reading.others.items(), (reading.number, own)]):
        if count > surplus:
            return window.leaves_at(number, limit.period_seconds) - reading.stamp
        surplus -= count
    return limit.period_seconds * MICROSECONDS


def expired(fields: Iterable[int], stamp: int, period_seconds: int) -> list[int]:
    """The fields that no node counts any more."""
    kept = window.oldest_kept(stamp, period_seconds)
    return [number for number in fields if number < kept]


def ahead(fields: Iterable[int], stamp: int, period_seconds: int) -> list[int]:
    """The fields that only a node with a broken clock can have written."""
    newest = window.newest_counted(stamp, period_seconds)
    return [number for number in fields if number > newest]
