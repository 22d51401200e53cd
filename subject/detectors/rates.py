"""What rate is usual, and which seconds are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, sqrt
from statistics import median

from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS, Step
from subject.detectors import onset
from subject.detectors.opening import LEAST_STEPS, Opening, in_steps, opening
from subject.detectors.usual import Usual
from subject.thresholds import Thresholds

MAD_TO_SD, P90_IN_SD = 1.4826, 1.2816
"""Of a normal distribution."""
MOSTLY = 0.75
"""The part of a burst's seconds that are high."""
KNOWN = 0.75
LONG = 2
"""The lower stretch behind it, in seconds that are asked before judging."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second's rate beside what was usual before it; None where too little was seen."""

    rate: float
    usual: float | None
    z: float
    anomalous: bool

    @property
    def teaches(self) -> bool:
        """Whether it is one of those that the usual is learned from."""
        return self.rate > 0 and not self.anomalous


def judge(
    rates: Sequence[float], thresholds: Thresholds, taught: Sequence[float] = (), *, is_start: bool = True
) -> list[Second]:
    """Each second by the rolling median and MAD of those before it that were neither idle nor anomalous.

    sd = max(1.4826·MAD, (P90 − median)/1.28, √median, 0.05·median, 1): the MAD of traffic that comes in
    bursts every other second is 0, the 90th percentile is not; Poisson traffic has √median; and below one
    request a second nothing can be told. Idle seconds teach nothing, so that the start of traffic is no
    spike; and what goes on for as long as is remembered becomes the usual. While a spike goes on, less is
    asked of its seconds (see `onset`). A burst in which the series begins is judged afterwards (see
    `_opening_burst`), since nothing was known when it came. Where the series begins in an anomaly that is
    known from before (see `opening`), `taught` are usual rates of before that; they stand for those that it
    lacks. `is_start`: nothing at all is known of before.
    """
    before = Usual(inf)
    for place, rate in enumerate(taught):
        before.learn(place, rate)
    burst = _opening_burst(rates, thresholds) if is_start else frozenset()
    usual = Usual(thresholds.baseline_seconds)
    judged: list[Second] = []
    for second, rate in enumerate(rates):
        usual.forget(second)
        begins = bool(taught) and second < thresholds.spike_of_seconds
        part = thresholds.clear_ratio if begins or _goes_on(judged, second - 1, thresholds) else 1.0
        lacks = len(usual) < thresholds.baseline_min_seconds
        found = _second(rate, before if lacks and taught else usual, thresholds, part)
        if second in burst:
            found = replace(found, anomalous=True)
        judged.append(found)
        if found.teaches:
            usual.learn(second, rate)
    return judged


def _opening_burst(rates: Sequence[float], thresholds: Thresholds) -> frozenset[int]:
    """The high seconds of a burst that begins before enough was seen to judge it.

    High by the median and MAD of the whole series, and not by its 90th percentile, which a burst of a tenth
    of it lifts. It ends with twice as many lower seconds in a row as are asked before judging, and most of
    it is high: traffic that always comes in bursts has neither, and stays the usual.
    """
    active = [(second, rate) for second, rate in enumerate(rates) if rate > 0]
    least = thresholds.baseline_min_seconds
    if not active:
        return frozenset()
    usual = median(rate for _, rate in active)
    mad = median(abs(rate - usual) for _, rate in active)
    sd = max(MAD_TO_SD * mad, _least_sd(usual))
    bound = max(usual + thresholds.spike_z * sd, thresholds.spike_ratio * usual + 1)
    high = [place for place, (_, rate) in enumerate(active) if rate > bound]
    if not high or high[0] >= least:
        return frozenset()
    gaps = (following - place for place, following in pairwise([*high, len(active)]))
    length = next((number for number, gap in enumerate(gaps, 1) if gap > LONG * least), None)
    if length is None:
        return frozenset()
    burst = high[:length]
    if length < MOSTLY * (burst[-1] + 1 - burst[0]):
        return frozenset()
    return frozenset(active[place][0] for place in burst)


def _least_sd(usual: float) -> float:
    return max(sqrt(usual), 0.05 * usual, 1.0)


def _second(rate: float, past: Usual, thresholds: Thresholds, part: float) -> Second:
    """Beside all that is remembered and, by its ratio, beside the last of it: a steady rise is no spike."""
    if len(past) < thresholds.baseline_min_seconds:
        return Second(rate, None, 0.0, False)
    usual = past.median
    mad = median([abs(other - usual) for other in past.ordered])
    upper = past.ordered[int(0.9 * len(past))]
    sd = max(MAD_TO_SD * mad, (upper - usual) / P90_IN_SD, _least_sd(usual))
    z = (rate - usual) / sd
    level = max(usual, median(past.latest(thresholds.spike_recent_seconds)))
    bound = onset.lowered(thresholds.spike_ratio, 1.0, part) * level + part
    return Second(rate, usual, z, z > part * thresholds.spike_z and rate > bound)


def _goes_on(judged: Sequence[Second], last: int, thresholds: Thresholds) -> bool:
    seconds = judged[max(0, last + 1 - thresholds.spike_of_seconds) : last + 1]
    return sum(second.anomalous for second in seconds) >= thresholds.spike_seconds


def run_of_anomalies(judged: Sequence[Second], thresholds: Thresholds) -> int | None:
    """The position of the first second of the anomaly that goes on at the end; None where there is none."""
    window, last = thresholds.spike_of_seconds, len(judged) - 1
    if not _goes_on(judged, last, thresholds):
        return None
    start = onset.run(last, lambda place: _goes_on(judged, place, thresholds))
    # The first anomalous second of the first such window, however few there are between.
    return onset.run(start, lambda place: judged[place].anomalous, max(0, start - window + 1), gap=window)


def opening_spike(snapshot: Snapshot, thresholds: Thresholds) -> Opening | None:
    """The spike in which the snapshot's seconds begin."""
    return opening(snapshot, thresholds, _run_of_steps)


def is_start(snapshot: Snapshot) -> bool:
    """Whether nothing is known of the cluster before the snapshot's seconds."""
    return not any(
        step.requests for step in snapshot.steps if step.start + STEP_SECONDS <= snapshot.first_second
    )


def is_known_level(snapshot: Snapshot, rate: float, thresholds: Thresholds) -> bool:
    """Whether a rate is no more than what a quarter of the steps of before had: it only comes back."""
    steps = [step for step in snapshot.steps if step.start + STEP_SECONDS <= snapshot.first_second]
    judged = judge([step.requests / STEP_SECONDS for step in steps], in_steps(thresholds, len(steps)))
    usual = sorted(second.rate for second in judged if second.teaches)
    return len(usual) >= LEAST_STEPS and rate <= thresholds.spike_ratio * usual[int(KNOWN * len(usual))] + 1


def taught_by(opening: Opening | None) -> list[float]:
    """The rates that were usual before it, a second each."""
    return [] if opening is None else opening.taught(lambda step: step.requests)


def _run_of_steps(steps: Sequence[Step], thresholds: Thresholds) -> tuple[int, Sequence[int]] | None:
    judged = judge([step.requests / STEP_SECONDS for step in steps], thresholds)
    began = run_of_anomalies(judged, thresholds)
    if began is None:
        return None
    return began, [place for place in range(began) if judged[place].teaches]
