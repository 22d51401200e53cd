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
    others = window.counted(fields, stamp, period_seconds)
    others.pop(number, None)
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
    elsewhere = sum(reading.others.values())
    in_order = sorted([*reading.others.items(), (reading.number, 0)])
    standings = []
    for limit in limits:
        admitted = taken < limit.quota
        taken += admitted
        leaving = _leaving(in_order, reading.number, taken - elsewhere, max(0, taken - limit.quota))
        wait = window.leaves_at(leaving, limit.period_seconds) - reading.stamp
        standings.append(Standing(admitted, max(0, limit.quota - taken), wait / MICROSECONDS))
    return standings


def _leaving(in_order: list[tuple[int, int]], number: int, own: int, surplus: int) -> int:
    """The sub-interval with whose end more than `surplus` units will have left, if nobody adds any.

    `own` are the units that stand in sub-interval `number`, for which `in_order` has 0.
    """
    for position, units in in_order:
        units = own if position == number else units
        if units > surplus:
            return position
        surplus -= units
    return number


def stray(fields: Iterable[int], stamp: int, period_seconds: int) -> tuple[list[int], list[int]]:
    """The fields that no node counts any more, and those that only a broken clock can have written."""
    kept = window.oldest_kept(stamp, period_seconds)
    newest = window.newest_counted(stamp, period_seconds)
    return [i for i in fields if i < kept], [i for i in fields if i > newest]
