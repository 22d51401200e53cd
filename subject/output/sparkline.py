"""Numbers as a line of bars, one character each."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
UNSEEN = " "


def sparkline(values: Sequence[float | None], highest: float) -> str:
    """A bar for each value, of the full height at `highest`; none where nothing is known (None)."""
    return "".join(UNSEEN if value is None else _bar(value, highest) for value in values)


def _bar(value: float, highest: float) -> str:
    if value <= 0 or highest <= 0:
        return BARS[0]
    # Whatever is there at all is above the line of nothing.
    return BARS[max(1, min(len(BARS) - 1, round(value / highest * (len(BARS) - 1))))]
