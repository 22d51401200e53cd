"""Whether what was found still goes on, and since when: by the series, for a command remembers nothing.

What is found at its threshold goes on while a part of it is left (a trigger with two thresholds, Schmitt
1938), so that what wavers about the threshold is found once.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

Told = Callable[[int], bool]
"""Whether something is so at a place: of a second, or of a node's record."""
Held = Callable[[int, float], bool]
"""Whether such a part of what is asked is there at a place: all of it (1.0) is a finding."""


def run(last: int, so: Told, first: int = 0, gap: int = 0) -> int:
    """The first place of the run that ends with `last`: back while it is `so`.

    Up to `gap` places in a row at which it is not do not end the run.
    """
    start = place = last
    while place > first and start - place <= gap:
        place -= 1
        if so(place):
            start = place
    return start


def raised(last: int, first: int, held: Held, part: float) -> int | None:
    """Where what goes on at `last` was first found; None where nothing goes on.

    It was found at a place where all that is asked was there, and no place since had less than `part` of it.
    """
    found = None
    place = last
    while place >= first and held(place, part):
        if held(place, 1.0):
            found = place
        place -= 1
    return found


def since(last: int, *, first: int, held: Held, shows: Told, window: int, part: float) -> int | None:
    """Where what is so of the windows up to the one that ends with `last` began; None where nothing goes on.

    That is where it was found, or before it, at most a window back, over the places that show it by
    themselves. `first` is the place with which the first window ends that counts.
    """
    start = raised(last, first, held, part)
    return None if start is None else run(start, shows, max(0, first - window + 1, start - window + 1))


def enough(count: float, least: float, part: float) -> bool:
    """Whether there is such a part of the least: counts that were cut at a second's edges are rounded."""
    return count >= part * least - 0.5


def lowered(threshold: float, neutral: float, part: float) -> float:
    """Such a part of the way from where there is nothing (a ratio of 1, say) to a threshold."""
    return neutral + part * (threshold - neutral)


class Sums:
    """The sums of a row over the window that ends with a place."""

    def __init__(self, row: Sequence[float], window: int) -> None:
        self._up_to = [0.0, *accumulate(row)]
        self._window = window

    def __call__(self, last: int) -> float:
        return self._up_to[last + 1] - self._up_to[max(0, last + 1 - self._window)]
