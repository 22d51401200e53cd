"""What the subject is to reach."""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.evaluation.score import Score


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure of a score, and how large it is to be at least, or may be at most. `figure` is None where the
    runs tell nothing of it."""

    what: str
    figure: Callable[[Score], float | None]
    least: float | None = None
    most: float | None = None
    unit: str = ""
    digits: int = 2

    def is_reached(self, score: Score) -> bool:
        """Where nothing tells of it, it is not missed."""
        found = self.figure(score)
        if found is None:
            return True
        return (self.least is None or found >= self.least) and (self.most is None or found <= self.most)

    def shown(self, score: Score) -> str:
        """What it is, for a table."""
        return self.written(self.figure(score))

    @property
    def bound(self) -> str:
        """What it is to be, for a table."""
        return f"≥ {self.written(self.least)}" if self.least is not None else f"≤ {self.written(self.most)}"

    def written(self, figure: float | None) -> str:
        """With its unit."""
        if figure is None:
            return "–"
        return f"{figure:.{self.digits}f}{self.unit}"


AIMS = (
    Aim("recall", lambda score: score.figures.recall, least=0.98, digits=4),
    Aim("precision", lambda score: score.figures.precision, least=0.98, digits=4),
    Aim("time to detect, median", lambda score: score.figures.median_to_find, most=4.0, unit=" s"),
    Aim("time to detect, worst", lambda score: score.figures.worst_to_find, most=10.0, unit=" s"),
    Aim("false alarms an hour of benign traffic", lambda score: score.false_an_hour, most=0.0),
)


def missed(score: Score) -> list[Aim]:
    """Those that are not reached."""
    return [aim for aim in AIMS if not aim.is_reached(score)]
