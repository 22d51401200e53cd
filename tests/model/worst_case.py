"""What all nodes admit while some of them decide by themselves, against the bound in docs/limits.md."""

from collections.abc import Iterator

from tests.model.books import Books
from tests.model.reckoning import length_of, tolerance
from tests.model.record import By, Record
from tests.model.scenario import LOSSES, Fault
from tests.model.world import MICROSECONDS

_FORGETS = (*LOSSES, Fault.KILL_NODE, Fault.REFUSE)
"""After these Redis or a node does not know what was admitted before, and the bound is another."""


def of_local_decisions(record: Record, books: Books) -> Iterator[str]:
    """With k nodes at most N + (k−1) times the share N/k, or one request where that is more.

    Redis counts a request when it is asked about it, and a node lets it pass up to a deadline later: so here
    a window is shorter by that, and by what the tail's edge may be off.
    """
    scenario = record.scenario
    if (
        scenario.on_failure != "local"
        or scenario.changes
        or any(happening.fault in _FORGETS for happening in scenario.happenings)
    ):
        return
    nodes = len(scenario.nodes)
    for key, admitted in _by_key(record, books).items():
        admitted.sort()
        quota, most_cost = admitted[0][2], max(cost for _, cost, _, _ in admitted)
        bound = quota + (nodes - 1) * max(quota / nodes, most_cost)
        first, units = 0, 0
        for at, cost, _, late in admitted:
            units += cost
            while admitted[first][0] <= at - _span(record, key, late):
                units -= admitted[first][1]
                first += 1
            if units > bound:
                yield f"more than the worst case: {units} of {key} by {at}, limit {quota}, bound {bound:g}"


def _by_key(record: Record, books: Books) -> dict[str, list[tuple[int, int, int, int]]]:
    """World µs, cost, quota and the time that the node stood still, of all that was admitted."""
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    for key, admissions in books.admissions.items():
        for each in admissions:
            found.setdefault(key, []).append((record.log[each.place].tick, each.cost, each.quota, 0))
    for outcome in record.outcomes:
        if outcome.by is By.NODE and outcome.passed:
            for hit, status in zip(outcome.hits, outcome.statuses, strict=True):
                if status.admitted:
                    found.setdefault(hit.key, []).append(
                        (outcome.ended, hit.cost, hit.limit.quota, outcome.stood_still)
                    )
    return found


def _span(record: Record, key: str, late: int) -> int:
    length = length_of(key)
    return length - int(record.scenario.deadline_seconds * MICROSECONDS) - 4 * tolerance(length) - late
