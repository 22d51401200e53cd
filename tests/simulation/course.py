"""What became of all requests of a simulation."""

from array import array
from collections import Counter
from collections.abc import Iterable
from enum import Enum

from tests.model.world import MICROSECONDS


class By(Enum):
    """Who decided."""

    STORE = "Redis"
    MEMORY = "a refusal that the node remembered"
    NODE = "the node alone"


class Course:
    """Counts requests that arrive from world microsecond `since` on, and knows what was admitted of all."""

    def __init__(self, since: int) -> None:
        self._since = since
        self.decided: Counter[By] = Counter()
        self.admitted: Counter[By] = Counter()
        self.took: array[int] = array("q")
        """Microseconds from a request's arrival to its decision, where Redis was asked."""
        self._by_redis: dict[str, array[int]] = {}
        self._alone: dict[str, array[int]] = {}

    def note(self, client: str, arrived: int, ended: int, by: By, admitted_at: int | None) -> None:
        """`admitted_at`: by Redis when it counted, alone when it passed; None where it was refused."""
        if admitted_at is not None:
            of_it = self._alone if by is By.NODE else self._by_redis
            of_it.setdefault(client, array("q")).append(admitted_at)
        if arrived >= self._since:
            self.decided[by] += 1
            self.admitted[by] += admitted_at is not None
            if by is not By.MEMORY:
                self.took.append(ended - arrived)

    @property
    def requests(self) -> int:
        """All that were counted."""
        return self.decided.total()

    @property
    def alone_ratio(self) -> float:
        """Of those that a node did not refuse from memory, those that were decided without Redis."""
        asked = self.decided[By.STORE] + self.decided[By.NODE]
        return self.decided[By.NODE] / max(1, asked)

    def took_ms(self, quantile: float) -> float:
        """Of all that asked Redis, also in vain."""
        ordered = sorted(self.took)
        return ordered[min(int(quantile * len(ordered)), len(ordered) - 1)] / 1000 if ordered else 0.0

    def fullest(self, seconds: int, *, with_alone: bool = False) -> int:
        """The most that any client got in any window of so many seconds: by Redis, or in all."""
        clients = self._by_redis.keys() | (self._alone.keys() if with_alone else ())
        nobody: array[int] = array("q")
        return max(
            (
                _fullest(
                    self._by_redis.get(client, nobody)
                    + (self._alone.get(client, nobody) if with_alone else nobody),
                    seconds * MICROSECONDS,
                )
                for client in clients
            ),
            default=0,
        )


def _fullest(moments: Iterable[int], length: int) -> int:
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - length:
            first += 1
        most = max(most, last - first + 1)
    return most
