"""What rate is usual, and which seconds are not."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from subject.detectors import onset
from subject.detectors.thresholds import Thresholds

MAD_TO_SD, P90_IN_SD = 1.4826, 1.2816
"""Of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second's rate beside what was usual before it; None where too little was seen."""

    rate: float
    usual: float | None
    z: float
    anomalous: bool


def judge(rates: Sequence[float], thresholds: Thresholds) -> list[Second]:
    """Each second by the rolling median and MAD of those before it that were neither idle nor anomalous.

    sd = max(1.4826·MAD, (P90 − median)/1.28, √median, 0.05·median, 1): the MAD of traffic that comes in
    bursts every other second is 0, the 90th percentile is not; Poisson traffic has √median; and below one
    request a second nothing can be told. Idle seconds teach nothing, so that the start of traffic is no
    spike; and what goes on for as long as is remembered becomes the usual.
    """
    remembered: deque[tuple[int, float]] = deque()
    judged = []
    for second, rate in enumerate(rates):
        while remembered and remembered[0][0] < second - thresholds.baseline_seconds:
            remembered.popleft()
        found = _second(rate, [past for _, past in remembered], thresholds)
        judged.append(found)
        if rate > 0 and not found.anomalous:
            remembered.append((second, rate))
    return judged


def _second(rate: float, past: Sequence[float], thresholds: Thresholds) -> Second:
    if len(past) < thresholds.baseline_min_seconds:
        return Second(rate, None, 0.0, False)
    usual = median(past)
    mad = median(abs(other - usual) for other in past)
    upper = sorted(past)[int(0.9 * len(past))]
    sd = max(MAD_TO_SD * mad, (upper - usual) / P90_IN_SD, sqrt(usual), 0.05 * usual, 1.0)
    z = (rate - usual) / sd
    return Second(rate, usual, z, z > thresholds.spike_z and rate > thresholds.spike_ratio * usual + 1)


def run_of_anomalies(judged: Sequence[Second], thresholds: Thresholds) -> int | None:
    """The position of the first second of the anomaly that goes on at the end; None where there is none."""

    window = thresholds.spike_of_seconds

    def held(last: int) -> bool:
        seconds = judged[max(0, last + 1 - window) : last + 1]
        return sum(second.anomalous for second in seconds) >= thresholds.spike_seconds

    last = len(judged) - 1
    if not held(last):
        return None
    # The first anomalous second of the first such window, however few there are between.
    return onset.since(last, 0, held, lambda second: judged[second].anomalous, window, gap=window)
