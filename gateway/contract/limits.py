"""The limit grammar: ``N/period``, for example ``100/m`` or ``200/10s``."""

import re
from dataclasses import dataclass

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_QUOTA = 1_000_000_000
MAX_PERIOD_SECONDS = 366 * 86400
_MAX_LENGTH = 40

_GRAMMAR = re.compile(r"(?P<quota>[0-9]+)/(?P<multiple>[0-9]*)(?P<unit>[smhd])", re.ASCII)


class LimitSyntaxError(ValueError):
    """A text that is no limit; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``quota`` units in any window of ``period_seconds``."""

    quota: int
    period_seconds: int

    def __str__(self) -> str:
        """The shortest text that parses to this limit."""
        for unit in "dhm":
            if self.period_seconds % UNIT_SECONDS[unit] == 0:
                return self._with_unit(unit)
        return self._with_unit("s")

    def _with_unit(self, unit: str) -> str:
        multiple = self.period_seconds // UNIT_SECONDS[unit]
        return f"{self.quota}/{'' if multiple == 1 else multiple}{unit}"


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
