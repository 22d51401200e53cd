"""Whether a node had a reason to refuse."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tests.model.books import increments
from tests.model.reckoning import length_of, oldest_that_may_count, tolerance, width
from tests.model.record import By, Record
from tests.model.redis import Executed
from tests.model.scenario import Scenario
from tests.model.world import MICROSECONDS


def without_reason(record: Record) -> Iterator[str]:
    """A window that refuses was full, as far as the node may have seen.

    It may still count what was given back since its last reading, and remember a refusal (both for w or
    250 ms at most): so everything counts here that stood before that, and all that was added since.
    """
    histories: dict[str, _History] = {}
    for outcome in record.outcomes:
        if outcome.by is not By.STORE:
            continue
        for hit, status in zip(outcome.hits, outcome.statuses, strict=True):
            if status.admitted or hit.cost > hit.limit.quota:
                continue
            if not histories:
                histories = _histories(record)
            start = outcome.began - 2 * outcome.stood_still - _memory(record, length_of(hit.key))
            most = (
                histories[hit.key].most(start, outcome.ended, record.scenario) if hit.key in histories else 0
            )
            if most <= hit.limit.quota - hit.cost:
                yield f"refused without reason: {hit.key} had at most {most} units: {outcome}"


def _memory(record: Record, length: int) -> int:
    """How old what a node refuses by may be, in microseconds, beside the request's own time."""
    deadline = int(record.scenario.deadline_seconds * MICROSECONDS)
    return 2 * min(width(length), 250_000) + 4 * tolerance(length) + deadline


class _History:
    """Of one key: the world µs of its increments, what each left in which field, and what all had added."""

    def __init__(self, key: str) -> None:
        self._length = length_of(key)
        self._moments: list[int] = []
        self._left: list[tuple[int, int]] = []
        self._added = [0]

    def add(self, entry: Executed, units: int) -> None:
        """One more increment."""
        self._moments.append(entry.tick)
        self._left.append((int(entry.command[2]), int(entry.reply[1:])))
        self._added.append(self._added[-1] + max(0, units))

    def most(self, start: int, end: int, scenario: Scenario) -> int:
        """No node can have seen more between two moments."""
        low, high = bisect_left(self._moments, start), bisect_right(self._moments, end)
        at = scenario.redis_origin + start + start * scenario.redis_drift_ppm // MICROSECONDS
        oldest = oldest_that_may_count(at, self._length)
        stood = sum(max(0, units) for number, units in dict(self._left[:low]).items() if number >= oldest)
        return stood + self._added[high] - self._added[low]


def _histories(record: Record) -> dict[str, _History]:
    found: dict[str, _History] = {}
    for entry in record.log:
        if units := increments(entry):
            key = entry.command[1].decode()
            found.setdefault(key, _History(key)).add(entry, units)
    return found
