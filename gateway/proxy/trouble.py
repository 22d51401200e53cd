"""What the log says of an upstream's address. No clock."""

import logging

from gateway.logs import MOST_REASONS

QUIET_SECONDS = 60.0
"""Where failures come and go, or a client can provoke them, they must not fill the log."""

logger = logging.getLogger(__name__)


class Trouble:
    """Tells what fails there, once for each reason, and when it works again; then nothing for a while."""

    __slots__ = ("_failures", "_quiet_until", "_told", "_url")

    def __init__(self, url: str) -> None:
        self._url = url
        self._failures = 0
        self._quiet_until = 0.0
        self._told: set[str] = set()

    def failed(self, reason: str, now: float) -> None:
        """A request failed there at monotonic `now`."""
        self._failures += 1
        is_new = reason not in self._told and len(self._told) < MOST_REASONS
        if is_new and (self._told or now >= self._quiet_until):
            logger.warning("the upstream %s: %s", self._url, reason)
            self._told.add(reason)

    def worked(self, now: float) -> None:
        """A request was served there."""
        if self._told:
            logger.info("the upstream %s works again, after %d failures", self._url, self._failures)
            self._failures = 0
            self._told.clear()
            self._quiet_until = now + QUIET_SECONDS
