"""Clients in the orders that an operator asks for: busiest, most refused, nearest to their limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from subject.cluster import metrics
from subject.cluster.metrics import ClientMetrics
from subject.cluster.snapshot import Snapshot
from subject.cluster.windows import ClientWindow, fullest

Order = Literal["busiest", "refused", "nearest"]
"""By requests, by refusals, or by the part of their limit that they have used."""
NEAR_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Ranked:
    """A client that nodes list; `window` is the fullest of its own, where one was read."""

    client: str
    now: ClientMetrics
    window: ClientWindow | None

    @property
    def used_ratio(self) -> float | None:
        """How much of that window is used up."""
        return None if self.window is None else self.window.count / self.window.limit


def ranked(snapshot: Snapshot, order: Order) -> list[Ranked]:
    """All clients that nodes list, in this order; those for which it says nothing come last."""
    windows = snapshot.windows_by_client
    found = [
        Ranked(now.client, now, fullest(windows.get(now.client, []))) for now in metrics.of_clients(snapshot)
    ]
    if order == "refused":
        found.sort(key=lambda one: -one.now.refused_rate)
    elif order == "nearest":
        found.sort(key=lambda one: -1 if one.used_ratio is None else one.used_ratio, reverse=True)
    return found


def most_refused(found: Sequence[Ranked], number: int) -> list[Ranked]:
    """The first of those that are refused."""
    refused = [one for one in found if one.now.refused_rate]
    return sorted(refused, key=lambda one: -one.now.refused_rate)[:number]


def nearest(found: Sequence[Ranked], number: int) -> list[tuple[float, Ranked]]:
    """The first of those that have used half of their limits or more, with how much."""
    used = [(one.used_ratio, one) for one in found if one.used_ratio and one.used_ratio >= NEAR_RATIO]
    return sorted(used, key=lambda item: -item[0])[:number]
