"""What other thresholds would have done on the seeds that thresholds are chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.evaluation import scoring
from loadtest.evaluation.plan import Run
from loadtest.evaluation.score import Score
from loadtest.progress import Progress

OTHERS = (
    {"SUBJECT_SPIKE_Z": "3.5"},
    {"SUBJECT_SPIKE_Z": "7"},
    {"SUBJECT_SKEW_RATIO": "1.25"},
    {"SUBJECT_SKEW_RATIO": "2"},
    {"SUBJECT_STORE_SLOW_RATIO": "2.5"},
    {"SUBJECT_HOT_KEY_SHARE": "0.2"},
    {"SUBJECT_BREACH_REFUSED": "5"},
    {"SUBJECT_UPSTREAM_FAILURE_RATIO": "0.02"},
    {"SUBJECT_UPSTREAM_FAILURE_RATIO": "0.15"},
    {"SUBJECT_DROP_RATIO": "0.4"},
    {"SUBJECT_CARDINALITY_SHARE": "0.6"},
    {"SUBJECT_NODE_DOWN_SECONDS": "5"},
)
"""Main thresholds, on the sides on which something is to be lost. Each costs a replay of all."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Thresholds by their variables, and what they came to."""

    thresholds: dict[str, str]
    score: Score

    @property
    def name(self) -> str:
        """As one sets them."""
        return " ".join(f"{name}={value}" for name, value in self.thresholds.items())


async def swept(
    runs: Sequence[Run], folder: Path, at_once: int, progress: Progress, only: Sequence[str] = ()
) -> list[Tried]:
    """The runs scored with each of the others, by the scenarios of `only`, or all.

    Raises:
        StartError: the subject cannot replay them.
    """
    found = []
    for thresholds in OTHERS:
        scored = await scoring.score(runs, folder, at_once, progress, others=thresholds, only=only)
        found.append(Tried(thresholds, Score(tuple(scored))))
    return found
