"""A latency histogram that is being filled."""

from gateway.contract.sketches import Buckets, bucket, histogram_from_counts, upper_bound_seconds


class Histogram:
    """Counts durations since the node's start."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        number, counts = bucket(seconds), self._counts
        counts[number] = counts.get(number, 0) + 1
        self.sum_seconds += seconds

    def add_all(self, buckets: Buckets, sum_seconds: float) -> None:
        """Count what another one has counted."""
        for number, count in buckets:
            self._counts[number] = self._counts.get(number, 0) + count
        self.sum_seconds += sum_seconds

    def buckets(self) -> Buckets:
        """All that was counted."""
        return histogram_from_counts(self._counts)

    def at_most(self, seconds: float) -> int:
        """How many of the durations lie in buckets that end at or below a bound."""
        return sum(count for number, count in self._counts.items() if upper_bound_seconds(number) <= seconds)

    @property
    def count(self) -> int:
        """How many durations there were."""
        return sum(self._counts.values())
