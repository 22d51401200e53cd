"""How likely counts as uneven as these are, by chance alone: Pearson's test."""

from collections.abc import Sequence
from math import erfc, exp, gamma, sqrt


def chance_if_even(counts: Sequence[float]) -> float:
    """Where each place is equally likely, the chance of a statistic at least as large; 1 where there is
    nothing to compare."""
    mean = sum(counts) / len(counts) if counts else 0.0
    if len(counts) < 2 or mean <= 0:
        return 1.0
    return survival(sum((count - mean) ** 2 for count in counts) / mean, len(counts) - 1)


def chance_if_alike(counts: Sequence[float], of: Sequence[float]) -> float:
    """The same where each place is as likely as what it is a count `of` is large."""
    pairs = [(count, part) for count, part in zip(counts, of, strict=True) if part > 0]
    total = sum(count for count, _ in pairs)
    if len(pairs) < 2 or total <= 0:
        return 1.0
    each = total / sum(part for _, part in pairs)
    squares = ((count - each * part) ** 2 / (each * part) for count, part in pairs)
    return survival(sum(squares), len(pairs) - 1)


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
