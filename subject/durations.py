"""Durations as they are typed and told: ``30s``, ``10m``, ``2h``, ``7d``."""

import re

from gateway.contract.limits import MAX_PERIOD_SECONDS, UNIT_SECONDS
from subject.errors import UsageError, shortened

_GRAMMAR = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhd])", re.ASCII)


def parse_duration(text: str) -> int:
    """Seconds, of a whole number and a unit.

    Raises:
        UsageError: not of that form, zero, or more than 366 days.
    """
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{shortened(text)} is no duration: write a whole number and s, m, h or d, as in 30s, 10m or 2h"
        )
    seconds = int(match["number"]) * UNIT_SECONDS[match["unit"]]
    if not 1 <= seconds <= MAX_PERIOD_SECONDS:
        raise UsageError(f"{shortened(text)}: a duration is between 1s and 366d")
    return seconds
