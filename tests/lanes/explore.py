"""The rounds of many seeds, in some processes."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

from tests.lanes.generator.mixed import made
from tests.lanes.kernel import simulated
from tests.lanes.play import play
from tests.lanes.shrinking import shrunk

CHUNK = 10


@dataclass(slots=True)
class Tally:
    """What came of some rounds.

    In `fast_cases` one request at least went by the fast lane from its beginning to its end.
    """

    cases: int = 0
    fast_cases: int = 0
    served_fast: int = 0
    failures: tuple[str, ...] = ()

    def add(self, other: "Tally") -> None:
        """And what came of others."""
        self.cases += other.cases
        self.fast_cases += other.fast_cases
        self.served_fast += other.served_fast
        self.failures += other.failures

    def __str__(self) -> str:
        share = self.fast_cases / max(1, self.cases)
        return (
            f"{self.cases} cases, {share:.0%} with requests by the engine ({self.served_fast}), "
            f"{len(self.failures)} rounds differ"
        )


def explored(seeds: Iterable[int], *, shrinking: bool = True) -> Tally:
    """Play the rounds of these seeds."""
    tally = Tally()
    with simulated():
        for seed in seeds:
            played = play(made(seed))
            difference = played.difference
            if difference is not None:
                tally.failures += (str(shrunk(difference) if shrinking else difference),)
            tally.cases += played.cases
            tally.fast_cases += played.fast_cases
            tally.served_fast += played.served_fast
    return tally


def in_processes(first: int, rounds: int, jobs: int) -> Iterator[Tally]:
    """The same with `jobs` processes, a few rounds at a time."""
    ranges = (
        range(start, min(start + CHUNK, first + rounds)) for start in range(first, first + rounds, CHUNK)
    )
    with ProcessPoolExecutor(jobs) as pool:
        while batch := list(islice(ranges, 4 * jobs)):
            yield from pool.map(explored, batch)
