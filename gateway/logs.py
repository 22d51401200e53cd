"""Log lines on stderr, as text or JSON."""

import json
import logging
import sys
import time

from aiohttp.http_exceptions import HttpProcessingError


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
    """Tells when something fails for the first time and when it works again, and counts between."""

    def __init__(self, logger: logging.Logger, subject: str) -> None:
        self._logger = logger
        self._subject = subject
        self._failures = 0

    def failed(self, reason: str) -> None:
        """Note a failure; only the first of a row is told."""
        if self._failures == 0:
            self._logger.warning("%s: %s", self._subject, reason)
        self._failures += 1

    def worked(self) -> None:
        """Note that it works."""
        if self._failures:
            self._logger.info("%s works again, after %d failures", self._subject, self._failures)
            self._failures = 0
