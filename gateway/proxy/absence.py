"""When an upstream's address that failed is left out, and when it is tried again. No IO."""

FIRST_SECONDS = 1.0
MOST_SECONDS = 30.0


class Absence:
    """Grows from failure to failure and ends with an answer.

    After its pause one request probes the address; until that one has ended, no other goes there.
    """

    __slots__ = ("_is_probed", "_until", "failures", "since")

    def __init__(self) -> None:
        self.since = 0.0
        """When it failed last; 0 for never."""
        self.failures = 0
        """Since it worked last."""
        self._until = 0.0
        self._is_probed = False

    def is_out(self, now: float) -> bool:
        """Whether to leave the address out at monotonic `now`."""
        return self.failures > 0 and (self._is_probed or now < self._until)

    def began(self, now: float) -> bool:
        """A request goes there: whether it is the probe."""
        if self.failures == 0 or self.is_out(now):
            return False
        self._is_probed = True
        return True

    def probe_ended(self) -> None:
        """The probe ended without telling anything: the next request may be one."""
        self._is_probed = False

    def failed(self, now: float) -> None:
        """A request failed there. One that fails in the pause does not make it longer."""
        self.since = now
        if now < self._until:
            return
        self._until = now + min(FIRST_SECONDS * 2.0**self.failures, MOST_SECONDS)
        self.failures = min(self.failures + 1, 16)

    def worked(self) -> None:
        """A request was answered there."""
        self.failures = 0
        self._until = 0.0
        self._is_probed = False
