"""What was right, by the times at which requests were sent and at which they arrived. No IO.

Redis counted each admitted request somewhere between the two.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence

from gateway.contract.limits import Limit
from loadtest.passages import Passage, largest_in_window
from tests.exactness.volley import Answer


def passages(answers: Iterable[Answer]) -> list[Passage]:
    """Those that were admitted."""
    return [Passage(a.sent, a.arrived, a.shot.key) for a in answers if a.arrived is not None]


def fullest(answers: Iterable[Answer], limit: Limit) -> int:
    """The most that were sent and arrived within one window W: each is held to its own transit.

    So many at least were counted within one window; more than N of them are a broken promise.
    """
    return largest_in_window(passages(answers), limit.period_seconds)


def fullest_at_upstream(answers: Iterable[Answer], limit: Limit) -> int:
    """The most arrivals in any window of W less the longest transit."""
    admitted = passages(answers)
    longest = max((passage.at - passage.sent for passage in admitted), default=0.0)
    return most_within([passage.at for passage in admitted], limit.period_seconds - longest)


def most_within(times: Iterable[float], width: float) -> int:
    """The most of these times in any half-open window of `width`."""
    most, window = 0, deque[float]()
    for at in sorted(times):
        window.append(at)
        while window[0] <= at - width:
            window.popleft()
        most = max(most, len(window))
    return most


def admissible(times: Iterable[float], limits: Sequence[Limit]) -> int:
    """How many of these requests the best of all limiters could admit.

    It admits whenever it can. No other does better: by induction its k-th admission is never later than
    anybody's k-th, since whatever blocks it then blocks the other one too.
    """
    windows = [(limit, deque[float]()) for limit in limits]
    admitted = 0
    for at in sorted(times):
        for limit, window in windows:
            while window and window[0] <= at - limit.period_seconds:
                window.popleft()
        if all(len(window) < limit.quota for limit, window in windows):
            admitted += 1
            for _, window in windows:
                window.append(at)
    return admitted


def last_excess(answers: Iterable[Answer], limit: Limit) -> float | None:
    """When a request arrived last although N others had been sent and had arrived within the W before."""
    admitted = sorted(passages(answers), key=lambda passage: passage.at)
    last, first = None, 0
    for position, passage in enumerate(admitted):
        start = passage.at - limit.period_seconds
        while admitted[first].at <= start:
            first += 1
        if sum(other.sent > start for other in admitted[first : position + 1]) > limit.quota:
            last = passage.at
    return last


def exact_after(answers: Iterable[Answer], limit: Limit, start: float) -> float:
    """The seconds after `start` from which on all that is sent is within the limit, by itself alone."""
    later = sorted((a for a in answers if a.admitted and a.sent >= start), key=lambda a: a.sent)
    low, high = (
        0,
        len(later),
    )  # of so many of the first ones it is known that they have to be left out, or may
    while low < high:
        middle = (low + high) // 2
        if fullest(later[middle:], limit) > limit.quota:
            low = middle + 1
        else:
            high = middle
    return 0.0 if low == 0 else later[low - 1].sent - start


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not exceed; NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
