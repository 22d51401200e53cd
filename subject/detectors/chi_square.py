"""How likely counts as uneven as these are where each place is equally likely: Pearson's test."""

from collections.abc import Sequence
from math import erfc, exp, gamma, sqrt


def chance_if_even(counts: Sequence[float]) -> float:
    """The chance of a chi-square statistic at least as large; 1 where there is nothing to compare."""
    mean = sum(counts) / len(counts) if counts else 0.0
    if len(counts) < 2 or mean <= 0:
        return 1.0
    return survival(sum((count - mean) ** 2 for count in counts) / mean, len(counts) - 1)


def survival(x: float, degrees: int) -> float:
    """P(chi-square with whole `degrees` of freedom ≥ x), by its finite sum (Abramowitz & Stegun 26.4.4-5)."""
    half = x / 2
    if half > 700:
        return 0.0
    if degrees % 2 == 0:
        term = total = exp(-half)
        for step in range(1, degrees // 2):
            term *= half / step
            total += term
        return min(1.0, total)
    total = erfc(sqrt(half))
    for step in range((degrees - 1) // 2):
        total += half ** (step + 0.5) * exp(-half) / gamma(step + 1.5)
    return min(1.0, total)
