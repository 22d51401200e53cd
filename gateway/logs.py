"""Log lines on stderr, as text or JSON."""

import json
import logging
import sys
import time

from aiohttp.http_exceptions import HttpProcessingError

MOST_REASONS = 5
"""How many reasons for one outage are told."""


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Not what aiohttp says, with a traceback, of a message at the admin listener that is not HTTP."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


def set_up(level: str, line_format: str) -> None:
    """Send this process' messages of at least `level` to stderr, each as a line of ``text`` or ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    if line_format == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        formatter = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    handler.addFilter(_is_worth_a_line)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # asyncio's own debug lines tell of selectors, not of requests.
    logging.getLogger("asyncio").setLevel("WARNING")


class Outage:
    """Tells when something fails, once for each reason that it fails for, and when it works again."""

    def __init__(self, logger: logging.Logger, subject: str) -> None:
        self._logger = logger
        self._subject = subject
        self._failures = 0
        self._told: set[str] = set()
        self.reason = ""
        """Why it fails now; empty where it works."""

    def failed(self, reason: str) -> None:
        """Note a failure."""
        if reason not in self._told and len(self._told) < MOST_REASONS:
            self._logger.warning("%s: %s", self._subject, reason)
            self._told.add(reason)
        self._failures += 1
        self.reason = reason

    def worked(self) -> None:
        """Note that it works."""
        if self._failures:
            self._logger.info("%s works again, after %d failures", self._subject, self._failures)
            self._failures = 0
            self._told.clear()
            self.reason = ""
