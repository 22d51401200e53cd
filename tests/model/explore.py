"""Runs the scenarios of many seeds and says which of them break an invariant."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

from tests.model.invariants import breaches
from tests.model.schedule import scenario
from tests.model.simulation import run

CHUNK = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed with what does not hold for it."""

    seed: int
    family: str
    breaches: tuple[str, ...]

    @property
    def replay(self) -> str:
        """The command that shows it again, step by step."""
        return f"python -m tests.model --replay {self.seed} --family {self.family}"

    def __str__(self) -> str:
        """All of it, as lines."""
        return "\n  ".join([f"seed {self.seed} fails:", *self.breaches, self.replay])


def failures(seeds: Iterable[int], family: str | None = None) -> Iterator[Failure]:
    """Run these seeds' scenarios, of their own families or of one, and yield those that fail."""
    for seed in seeds:
        planned = scenario(seed, family)
        if found := breaches(run(planned)):
            yield Failure(seed, planned.family, tuple(found))


def _chunk(seeds: range, family: str | None) -> list[Failure]:
    return list(failures(seeds, family))


def in_processes(
    first: int, schedules: int, jobs: int, family: str | None
) -> Iterator[tuple[int, list[Failure]]]:
    """The same with `jobs` processes, in order: of each chunk the number of schedules, and the failures."""
    ranges = (
        range(start, min(start + CHUNK, first + schedules))
        for start in range(first, first + schedules, CHUNK)
    )
    with ProcessPoolExecutor(jobs) as pool:
        while batch := list(islice(ranges, 4 * jobs)):
            yield from zip(map(len, batch), pool.map(_chunk, batch, [family] * len(batch)), strict=True)
