"""Whether a client kept to its limit while that was changed: decided from what was recorded, without IO."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from gateway.contract.limits import Limit
from loadtest import passages
from loadtest.passages import Busiest, Passage, largest_in_window, nearest


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A client's limit is another one, of the same period: on no node before `began_at`, and on all from
    `in_force_at` on (seconds since 1970)."""

    client_id: str
    limit: Limit
    began_at: float
    in_force_at: float


def highest(first: Limit, changes: Sequence[LimitChange], start: float, end: float) -> Limit:
    """Of the limits that may have been in force between these times, the one that lets most through."""
    began = (-inf, *(change.began_at for change in changes))
    over = (*(change.in_force_at for change in changes), inf)
    limits = (first, *(change.limit for change in changes))
    spans = zip(limits, began, over, strict=True)
    return max(
        (limit for limit, since, until in spans if since <= end and start <= until),
        key=lambda limit: limit.quota,
    )


def busiest(
    admitted: Sequence[Passage],
    limit_by_key: Mapping[str, Limit],
    changes_by_key: Mapping[str, Sequence[LimitChange]],
) -> Busiest | None:
    """The client whose fullest window is nearest to (or most over) the limit that it had at the time; None if
    nothing arrived."""
    unchanged = {key: limit for key, limit in limit_by_key.items() if key not in changes_by_key}
    changed = passages.by_key(admitted, changes_by_key)
    return nearest(
        (
            passages.busiest(admitted, unchanged),
            *(_busiest_of(key, its, limit_by_key[key], changes_by_key[key]) for key, its in changed.items()),
        )
    )


def _busiest_of(
    key: str, admitted: Sequence[Passage], first: Limit, changes: Sequence[LimitChange]
) -> Busiest | None:
    """Of those that were decided under one limit or a lower one no more than that limit share a window:
    whichever of them Redis counted last was let in under it. And whenever one was let in, those of before
    that were still in its window, under whatever limit they had come, were fewer than its limit."""
    limits = [highest(first, changes, passage.sent, passage.at) for passage in admitted]
    found = (*_of_each_limit(key, admitted, limits), *_at_each_passage(key, admitted, limits))
    return nearest(found)


def _of_each_limit(key: str, admitted: Sequence[Passage], limits: Sequence[Limit]) -> list[Busiest]:
    return [
        Busiest(
            key,
            largest_in_window(
                (one for one, its in zip(admitted, limits, strict=True) if its.quota <= limit.quota),
                limit.period_seconds,
            ),
            limit,
        )
        for limit in set(limits)
    ]


def _at_each_passage(key: str, admitted: Sequence[Passage], limits: Sequence[Limit]) -> list[Busiest]:
    """Those that had surely arrived when it was sent, less those that had perhaps left its window."""
    arrived = sorted(passage.at for passage in admitted)
    sent = sorted(passage.sent for passage in admitted)
    return [
        Busiest(
            key,
            1
            + bisect_right(arrived, passage.sent, hi=bisect_left(arrived, passage.at))
            - bisect_right(sent, passage.at - limit.period_seconds),
            limit,
        )
        for passage, limit in zip(admitted, limits, strict=True)
    ]


def lowest(
    limit_by_key: Mapping[str, Limit], changes_by_key: Mapping[str, Sequence[LimitChange]]
) -> dict[str, Limit]:
    """By key the lowest limit that its client had at any time."""
    return {
        key: min(
            (first, *(change.limit for change in changes_by_key.get(key, ()))), key=lambda limit: limit.quota
        )
        for key, first in limit_by_key.items()
    }


def by_key(keys: Mapping[str, str], changes: Sequence[LimitChange]) -> dict[str, tuple[LimitChange, ...]]:
    """The changes of each client that had one, in order; `keys` has each client's."""
    ordered = sorted(changes, key=lambda change: change.began_at)
    return {
        keys[client_id]: tuple(change for change in ordered if change.client_id == client_id)
        for client_id in {change.client_id for change in changes}
    }
