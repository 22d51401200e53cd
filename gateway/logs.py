"""Log lines on stderr, as text or JSON. Nobody who logs waits for them to be read."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.log_lines import JsonLines, TextLines
from gateway.log_writer import LogWriter

ACCESS = "gateway.access"
"""The logger of answered requests: what it is given is wanted, whatever the level."""

_STDERR = 2

logger = logging.getLogger(__name__)


def occupy_standard_descriptors() -> None:
    """Open what is closed of stdin, stdout and stderr, to nowhere.

    The next socket would get its number, and with it what is written there.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)


@contextmanager
def writing(level: str, line_format: str, node_id: str, worker: int | None = None) -> Iterator[LogWriter]:
    """Send this process' messages to stderr, each as a line of ``text`` or ``json``.

    The gateway's own are sent from `level` on, those of libraries from warnings on.
    """
    formatter = JsonLines(node_id, worker) if line_format == "json" else TextLines(worker)
    writer = LogWriter(_STDERR, lambda lines: _bytes(formatter.format(_loss(lines))))
    handler = _LineHandler(writer)
    handler.setFormatter(formatter)
    own = getattr(logging, level.upper())
    levels = {"": max(own, logging.WARNING), "gateway": own, ACCESS: logging.INFO}
    before = {name: logging.getLogger(name).level for name in levels}
    unraisable_hook = sys.unraisablehook
    for name, least in levels.items():
        logging.getLogger(name).setLevel(least)
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(capture=True)
    sys.unraisablehook = _log_unraisable
    try:
        yield writer
    finally:
        sys.unraisablehook = unraisable_hook
        logging.captureWarnings(capture=False)
        logging.getLogger().removeHandler(handler)
        for name, least in before.items():
            logging.getLogger(name).setLevel(least)
        writer.close()


class _LineHandler(logging.Handler):
    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - whatever a foreign object's __str__ raises; who logs must not fail of it
            record.msg = "a message that cannot be formatted, of %s:%d"
            record.args = (record.pathname, record.lineno)
            line = self.format(record)
        self._writer.put(_bytes(line))


def _bytes(line: str) -> bytes:
    return line.encode() + b"\n"


def _loss(lines: int) -> logging.LogRecord:
    words = f"{lines} log lines were lost here, as they were not read or could not be written"
    return logging.makeLogRecord(
        {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": words}
    )


def _log_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """What fails where nobody can catch it, in a finalizer, would be written to stderr by Python itself."""
    kind, value, trace = unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback
    logger.error(
        "%s %r",
        unraisable.err_msg or "an exception was ignored in",
        unraisable.object,
        exc_info=(kind, value or kind(), trace),
    )
