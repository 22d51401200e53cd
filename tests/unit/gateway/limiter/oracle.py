"""The plain truth that limiters are compared with: every timestamp kept, and every sum made anew."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.contract import window
from gateway.limiter.charge import Charge


def most_in_any_window(times: list[int], width: int) -> int:
    """The oracle: of all half-open windows of `width`, the fullest (one of them ends at an admission)."""
    return max((sum(end - width < time <= end for time in times) for end in times), default=0)


def decisions(
    requests: Sequence[Sequence[Charge]], hashes: Mapping[str, Mapping[int, int]], stamp: int
) -> list[list[tuple[bool, int]]]:
    """Of each request in turn: whether each of its windows has room for it, and what that leaves there."""
    standing = {key: Counter(fields) for key, fields in hashes.items()}

    def total(charge: Charge) -> int:
        return sum(window.counted(standing[charge.key], stamp, charge.limit.period_seconds).values())

    made = []
    for charges in requests:
        fits = [total(charge) + charge.cost <= charge.limit.quota for charge in charges]
        if all(fit or charge.shadow for fit, charge in zip(fits, charges, strict=True)):
            for fit, charge in zip(fits, charges, strict=True):
                number = window.sub_interval(stamp, charge.limit.period_seconds)
                standing[charge.key][number] += charge.cost if fit else 0
        left = [max(0, charge.limit.quota - total(charge)) for charge in charges]
        made.append(list(zip(fits, left, strict=True)))
    return made
