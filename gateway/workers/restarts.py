"""How long to wait before a worker that ended is started again. No IO."""

STEADY_SECONDS = 30.0
"""Who has served so long did not end by its start."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0


class Restarts:
    """Those of one worker: at once, and then ever later while it does not last."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def wait_seconds(self, lasted_seconds: float) -> float:
        """It ended after so long: when to start it."""
        self._in_a_row = 0 if lasted_seconds >= STEADY_SECONDS else self._in_a_row + 1
        if self._in_a_row <= 1:
            return 0.0
        return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** (self._in_a_row - 2))
