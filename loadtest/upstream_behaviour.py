"""How the dummy upstream behaves: it follows the JSON of a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Each answer comes `delay_seconds` later, and `failing_ratio` of them say 500."""

    delay_seconds: float = 0.0
    failing_ratio: float = 0.0
