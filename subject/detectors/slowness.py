"""What latencies are usual, where the seconds that are judged do not tell, and since when they are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from subject.cluster.steps import STEP_SECONDS
from subject.detectors import onset
from subject.detectors.opening import LEAST_STEPS
from subject.detectors.usual import Usual
from subject.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Waited:
    """One step. `late_ms` of it are not the fault of whom was waited for; where it `fails`, it tells nothing
    of how long it usually takes."""

    start: int
    percentiles_ms: tuple[float, ...]
    late_ms: float = 0.0
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """`usual_ms` of each percentile as far as it is known; `since` is when that began which went on where the
    seconds begin, None where all was well."""

    usual_ms: tuple[float | None, ...] = ()
    since: int | None = None

    def usual(self, place: int) -> float | None:
        """Of one percentile."""
        return self.usual_ms[place] if self.usual_ms else None

    def began(self, first: float, start: float, window_seconds: float) -> float:
        """When that did which is found from `start` on, in seconds of which the first is `first`."""
        return start if self.since is None or start > first + window_seconds else self.since


def allowed_ms(usual_ms: float | None, never_slow_ms: float, ratio: float) -> float:
    """Until enough is known what is never slow stands for the usual."""
    return max(never_slow_ms, ratio * (usual_ms or never_slow_ms))


def before(
    first: float, steps: Sequence[Waited], never_slow_ms: float, ratio: float, thresholds: Thresholds
) -> Before:
    """The usual is the median of all steps that were well, as far back as the history goes: what is slow for
    longer than that becomes the usual. `first` is where the seconds begin that are judged by themselves.
    """
    past = [Usual(inf) for _ in steps[0].percentiles_ms] if steps else []

    def usual() -> tuple[float | None, ...]:
        return tuple(one.median if len(one) >= LEAST_STEPS else None for one in past)

    ill: list[bool] = []
    for step in steps:
        part = thresholds.clear_ratio if ill and ill[-1] else 1.0
        slow = any(
            now > part * (allowed_ms(known, never_slow_ms, ratio) + step.late_ms)
            for now, known in zip(step.percentiles_ms, usual(), strict=True)
        )
        ill.append(slow or step.fails)
        if not ill[-1]:
            for one, now in zip(past, step.percentiles_ms, strict=True):
                one.learn(step.start, now)
    last = sum(step.start + STEP_SECONDS <= first for step in steps) - 1
    goes_on = last >= 0 and ill[last] and first < steps[last].start + 2 * STEP_SECONDS
    began = onset.run(last, lambda place: ill[place]) if goes_on else None
    return Before(usual(), None if began is None else steps[began].start)
