"""The plain truth that limiters are compared with: every timestamp kept, and every sum made anew."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.contract import window
from gateway.limiter.decision import Hit


def most_in_any_window(times: list[int], width: int) -> int:
    """The oracle: of all half-open windows of `width`, the fullest (one of them ends at an admission)."""
    return max((sum(end - width < time <= end for time in times) for end in times), default=0)


def decisions(
    requests: Sequence[Sequence[Hit]], hashes: Mapping[str, Mapping[int, int]], stamp: int
) -> list[list[tuple[bool, int]]]:
    """Of each request in turn: whether each of its windows has room for it, and what that leaves there."""
    status = {key: Counter(fields) for key, fields in hashes.items()}

    def total(hit: Hit) -> int:
        return sum(window.counted(status[hit.key], stamp, hit.limit.period_seconds).values())

    made = []
    for hits in requests:
        fits = [total(hit) + hit.cost <= hit.limit.quota for hit in hits]
        if all(fit or hit.shadow for fit, hit in zip(fits, hits, strict=True)):
            for fit, hit in zip(fits, hits, strict=True):
                number = window.sub_interval(stamp, hit.limit.period_seconds)
                status[hit.key][number] += hit.cost if fit else 0
        left = [max(0, hit.limit.quota - total(hit)) for hit in hits]
        made.append(list(zip(fits, left, strict=True)))
    return made
