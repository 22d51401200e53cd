"""What was measured, of whom, in which round."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from loadtest.bench.job import Measured

Figure = Callable[[Measured], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement."""

    peer: str
    scenario: str
    round: int
    measured: Measured


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and from where to where they were."""

    median: float
    least: float
    most: float


def spread(values: Iterable[float]) -> Spread | None:
    """Of these, None where there are none."""
    found = sorted(values)
    return Spread(median(found), found[0], found[-1]) if found else None


class Results:
    """Samples in the order in which they were taken."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        """With these to begin with."""
        self.samples = list(samples)

    def of(self, peer: str, scenario: str) -> list[Measured]:
        """The measurements of one, by rounds."""
        return [s.measured for s in self.samples if (s.peer, s.scenario) == (peer, scenario)]

    def spread(self, peer: str, scenario: str, figure: Figure) -> Spread | None:
        """A figure's, None where nothing was measured."""
        return spread(figure(one) for one in self.of(peer, scenario))
