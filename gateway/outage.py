"""What the log says of something that fails, and works again. No clock."""

import logging

MOST_REASONS = 5
"""How many reasons for one outage are told."""


class Outage:
    """Tells each reason once, and when it works again; then nothing for as long as the quiet time is.

    A quiet time is for what comes and goes, or what a client can provoke: it must not fill the log.
    """

    __slots__ = ("_failures", "_logger", "_quiet_seconds", "_quiet_until", "_subject", "_told", "reason")

    def __init__(self, logger: logging.Logger, subject: str, quiet_seconds: float = 0.0) -> None:
        self._logger = logger
        self._subject = subject
        self._quiet_seconds = quiet_seconds
        self._failures = 0
        self._quiet_until = 0.0
        self._told: set[str] = set()
        self.reason = ""
        """Why it fails now; empty where it works."""

    def failed(self, reason: str, now: float = 0.0) -> None:
        """Note a failure, where there is a quiet time with the monotonic time."""
        self._failures += 1
        self.reason = reason
        is_new = reason not in self._told and len(self._told) < MOST_REASONS
        if is_new and (self._told or now >= self._quiet_until):
            self._logger.warning("%s: %s", self._subject, reason)
            self._told.add(reason)

    def worked(self, now: float = 0.0) -> None:
        """Note that it works; as above."""
        self.reason = ""
        if self._told:
            self._logger.info("%s works again, after %d failures", self._subject, self._failures)
            self._failures = 0
            self._told.clear()
            self._quiet_until = now + self._quiet_seconds
