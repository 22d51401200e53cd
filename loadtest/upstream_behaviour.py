"""How the dummy upstream behaves: it follows the JSON of a file."""

from dataclasses import dataclass

FAILURE_FIELD = "X-Dummy-Failure"
"""Stands in the answers that it fails on purpose, so that senders know whose failure it was."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Each answer comes `delay_seconds` later, and `failing_ratio` of them say 500."""

    delay_seconds: float = 0.0
    failing_ratio: float = 0.0
