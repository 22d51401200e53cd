"""The limit grammar: ``N/period``, for example ``100/m``; several windows as in ``10/s,500/m``."""

import re
from dataclasses import dataclass
from itertools import pairwise

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_QUOTA = 1_000_000_000
MAX_PERIOD_SECONDS = 366 * 86400
MAX_WINDOWS = 8
_MAX_LENGTH = 40
_MAX_LENGTH_OF_ALL = MAX_WINDOWS * _MAX_LENGTH

_GRAMMAR = re.compile(r"(?P<quota>[0-9]+)/(?P<multiple>[0-9]*)(?P<unit>[smhd])", re.ASCII)


class LimitSyntaxError(ValueError):
    """A text that is no limit; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``quota`` units in any window of ``period_seconds``."""

    quota: int
    period_seconds: int

    @property
    def period(self) -> str:
        """The shortest text of its period: ``s``, ``10s``, ``m``."""
        unit = next(unit for unit in "dhms" if self.period_seconds % UNIT_SECONDS[unit] == 0)
        multiple = self.period_seconds // UNIT_SECONDS[unit]
        return f"{'' if multiple == 1 else multiple}{unit}"

    def __str__(self) -> str:
        """The shortest text that parses to this limit."""
        return f"{self.quota}/{self.period}"


@dataclass(frozen=True, slots=True)
class Limits:
    """One window or several, with different periods, the shortest first: a request must fit into all.

    Raises:
        LimitSyntaxError: none, too many, or two with one period.
    """

    windows: tuple[Limit, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.windows) <= MAX_WINDOWS:
            raise LimitSyntaxError(f"a limit has between 1 and {MAX_WINDOWS} windows")
        windows = sorted(self.windows, key=lambda window: window.period_seconds)
        for one, next_one in pairwise(windows):
            if one.period_seconds == next_one.period_seconds:
                raise LimitSyntaxError(f"{one} and {next_one} have one period: leave the larger one out")
        object.__setattr__(self, "windows", tuple(windows))

    def __str__(self) -> str:
        """The text that parses to these windows: ``10/s,500/m``."""
        return ",".join(map(str, self.windows))

    @property
    def smallest_quota(self) -> int:
        """What a request may cost at most."""
        return min(window.quota for window in self.windows)


def parse_limit(text: str) -> Limit:
    """Read ``N/period``.

    Raises:
        LimitSyntaxError: not of that form, or out of range.
    """
    # int() refuses very long numbers with an error of its own, and no message should quote one.
    match = _GRAMMAR.fullmatch(text.strip()) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise LimitSyntaxError(
            f"{text[:_MAX_LENGTH]!r} is not a limit: "
            "write N/period, as in 100/m or 200/10s (units: s, m, h, d)"
        )
    quota = int(match["quota"])
    period_seconds = int(match["multiple"] or 1) * UNIT_SECONDS[match["unit"]]
    if not 1 <= quota <= MAX_QUOTA:
        raise LimitSyntaxError(f"{text!r}: the number of requests must be between 1 and {MAX_QUOTA:,}")
    if not 1 <= period_seconds <= MAX_PERIOD_SECONDS:
        raise LimitSyntaxError(f"{text!r}: the period must be between 1 second and 366 days")
    return Limit(quota, period_seconds)


def parse_limits(text: str) -> Limits:
    """Read one ``N/period``, or several with commas between them, in any order.

    Raises:
        LimitSyntaxError: one is not of that form or out of range, there are too many, or two with one period.
    """
    if len(text) > _MAX_LENGTH_OF_ALL:
        raise LimitSyntaxError(f"{text[:_MAX_LENGTH]!r}… is too long for a limit")
    return Limits(tuple(map(parse_limit, text.split(","))))
