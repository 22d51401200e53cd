"""What goes on already where the seconds begin that are judged: it is not what is usual."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS, Step
from subject.thresholds import Thresholds

LEAST_STEPS = 3
"""Usual ones, before an anomaly can be told in steps."""
EDGE_SECONDS = 2
"""The first seconds are whole ones only when all nodes have told of them."""
SURE_SECONDS = 20
"""Later than it has begun at the latest: by then two of three steps show it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An anomaly that began before enough of the usual is among the seconds.

    It began at `since`, to a step, and at `latest` at the latest; `usual` are the steps before it.
    """

    since: int
    latest: int
    usual: tuple[Step, ...]

    def began(self, second: int, first_second: int) -> int:
        """When an anomaly did of which this is the first of the seconds: in it, or before them."""
        return self.since if second <= first_second + EDGE_SECONDS else second

    def taught(self, value: Callable[[Step], float]) -> list[float]:
        """Their values a second, one for each of their seconds."""
        return [value(step) / STEP_SECONDS for step in self.usual for _ in range(STEP_SECONDS)]


Run = Callable[[Sequence[Step], Thresholds], tuple[int, Sequence[int]] | None]
"""Of steps: where the anomaly began that goes on in the last, and which places before it are usual."""


def opening(snapshot: Snapshot, thresholds: Thresholds, run: Run) -> Opening | None:
    """None where the seconds begin as usual, or nothing is known of before."""
    remembered = max(snapshot.first_second, snapshot.until - thresholds.baseline_seconds)
    latest = remembered + thresholds.baseline_min_seconds
    steps = without_gaps([step for step in snapshot.steps if step.start < latest + SURE_SECONDS])
    if len(steps) <= LEAST_STEPS:
        return None
    found = run(steps, in_steps(thresholds, len(steps)))
    if found is None or steps[found[0]].start > latest:
        return None
    began, usual = found
    most = thresholds.baseline_seconds // STEP_SECONDS
    return Opening(steps[began].start, latest, tuple(steps[place] for place in usual[-most:]))


def without_gaps(steps: Sequence[Step]) -> list[Step]:
    """Those of which nothing is known have no traffic: they teach nothing."""
    if not steps:
        return []
    known = {step.start: step for step in steps}
    starts = range(steps[0].start, steps[-1].start + STEP_SECONDS, STEP_SECONDS)
    return [known.get(start) or Step(start, 0.0, 0.0, {}) for start in starts]


def in_steps(thresholds: Thresholds, steps: int) -> Thresholds:
    """The same, where a place is a step and no second."""
    return thresholds.model_copy(
        update={
            "baseline_seconds": steps,
            "baseline_min_seconds": LEAST_STEPS,
            "spike_recent_seconds": 1,
            "cardinality_seconds": 1,
            "drop_seconds": 1,
        }
    )
