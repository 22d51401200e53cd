"""How long to wait for more of a body that says how long it is. No IO."""

LEAST_BYTES_PER_SECOND = 240.0


def too_slow() -> TimeoutError:
    """The error of a body of known length that comes too slowly."""
    return TimeoutError(f"a body of known length came at less than {LEAST_BYTES_PER_SECOND:g} bytes a second")


class Pace:
    """Of one body: it may pause, but not so often that it never ends.

    Only the time counts in which there was nothing to pass on, so a client that takes little does no harm.
    """

    __slots__ = ("_least_bytes_per_second", "_silence_seconds", "patience_seconds")

    def __init__(
        self, silence_seconds: float, least_bytes_per_second: float = LEAST_BYTES_PER_SECOND
    ) -> None:
        """`silence_seconds` may be waited at first; waiting uses it up, and what comes gives it back.

        Where any rate will do (0), whatever comes gives back all of it.
        """
        self._silence_seconds = silence_seconds
        self._least_bytes_per_second = least_bytes_per_second
        self.patience_seconds = silence_seconds
        """How long to wait for the next piece."""

    def waited(self, seconds: float, size: int) -> None:
        """So long was waited for a piece of `size` bytes."""
        left = self.patience_seconds - seconds + self._given_for(size)
        self.patience_seconds = max(0.0, min(left, self._silence_seconds))

    def _given_for(self, size: int) -> float:
        if self._least_bytes_per_second:
            return size / self._least_bytes_per_second
        return self._silence_seconds if size else 0.0
