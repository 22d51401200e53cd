"""How many requests were not ours, at least: what nodes counted, less what can have been ours of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from loadtest.counts import Moment
from loadtest.elsewhere.front import CLUSTER
from loadtest.verdict import Asked

_TIME = attrgetter("at")
WINDOW_SECONDS = 5.0
TOLERANCE_SECONDS = 0.5
"""For what a node counts a moment before or after its client has the answer."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds, by this machine's clock, and the requests in them that cannot be ours."""

    began_at: float
    ended_at: float
    requests: int

    @property
    def per_second(self) -> float:
        """How many a second."""
        return self.requests / (self.ended_at - self.began_at)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was counted by `latest` at the latest, and not before `earliest`."""

    earliest: float
    latest: float
    requests: int


def stretches(
    reports: Sequence[Asked], sent: Mapping[str, Sequence[Moment]], least_offset: float
) -> list[Stretch]:
    """Some seconds from each look on; `sent` is by what it was sent to: nodes, or all of them as one.

    A request of ours that a node counted between two of its records was begun before the second, and answered
    after the first. Records have their time by Redis' clock. What ours is ahead of that, is known to be
    `least_offset` or more, and no more than it seems at the look that took the shortest time.
    """
    offsets = least_offset, max(least_offset, min((one.clock_offset for one in reports), default=0.0))
    found: list[Stretch] = []
    for first, asked in enumerate(reports):
        before = _readings(asked, offsets, are_one=CLUSTER in sent)
        for later in reports[first + 1 :]:
            after = _readings(later, offsets, are_one=CLUSTER in sent)
            known = before.keys() & after.keys() & sent.keys()
            if not known or min(after[one].earliest - before[one].latest for one in known) < WINDOW_SECONDS:
                continue
            foreign = sum(_foreign(before[one], after[one], sent[one]) for one in known)
            began_at = min(before[one].earliest for one in known)
            found.append(Stretch(began_at, max(after[one].latest for one in known), foreign))
            break
    return found


def _readings(asked: Asked, offsets: tuple[float, float], *, are_one: bool) -> dict[str, _Reading]:
    least, most = offsets
    by_node = {
        node.id: _Reading(node.last_seen + least, node.last_seen + most, node.totals.requests)
        for node in asked.report.nodes
        if node.totals is not None and node.last_seen is not None
    }
    if not are_one or not by_node:
        return by_node
    readings = by_node.values()
    return {
        CLUSTER: _Reading(
            min(one.earliest for one in readings),
            max(one.latest for one in readings),
            sum(one.requests for one in readings),
        )
    }


def _foreign(before: _Reading, after: _Reading, sent: Sequence[Moment]) -> int:
    begun = _at(sent, after.latest + TOLERANCE_SECONDS, is_after=True).started
    answered = _at(sent, before.earliest - TOLERANCE_SECONDS, is_after=False).answered
    return max(0, after.requests - before.requests - (begun - answered))


def _at(sent: Sequence[Moment], at: float, *, is_after: bool) -> Moment:
    """The last moment until then, or the first from then on."""
    place = bisect_left(sent, at, key=_TIME) if is_after else bisect_right(sent, at, key=_TIME) - 1
    return sent[min(place, len(sent) - 1)] if sent and place >= 0 else Moment(at, 0, 0)
