"""What is usual: by what the last seconds taught."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from itertools import islice


class Usual:
    """The values of the last so many seconds, kept in order of size too: they are asked for each second."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._taught: deque[tuple[float, float]] = deque()
        self._ordered: list[float] = []

    def __len__(self) -> int:
        """How many values are remembered."""
        return len(self._ordered)

    def learn(self, second: float, value: float) -> None:
        """Remember a value; each one is later than those before."""
        self._taught.append((second, value))
        insort(self._ordered, value)

    def forget(self, now: float) -> None:
        """Leave out what is older at this second."""
        while self._taught and self._taught[0][0] < now - self._seconds:
            _, value = self._taught.popleft()
            del self._ordered[bisect_left(self._ordered, value)]

    def latest(self, count: int) -> list[float]:
        """The last values."""
        return [value for _, value in islice(reversed(self._taught), count)]

    @property
    def ordered(self) -> Sequence[float]:
        """The smallest first."""
        return self._ordered

    @property
    def median(self) -> float:
        """Of all values; 0 where there is none. `statistics.median` would sort them once more."""
        if not self._ordered:
            return 0.0
        middle = len(self._ordered) // 2
        if len(self._ordered) % 2:
            return self._ordered[middle]
        return (self._ordered[middle - 1] + self._ordered[middle]) / 2
