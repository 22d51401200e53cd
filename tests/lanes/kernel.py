"""What is put in the place of clocks, the kernel and chance while nodes are simulated.

Nothing else is: settings, policies, admission, both lanes, aiohttp's server and upstreams are the real ones.
"""

import asyncio
import logging
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from unittest.mock import patch

from tests.lanes import entry
from tests.lanes.loop import LaneLoop
from tests.lanes.record import Line
from tests.lanes.wire import Socket, Wire

EPOCH = 1_700_000_000.25


def _loop() -> LaneLoop:
    return cast(LaneLoop, asyncio.get_running_loop())


def monotonic() -> float:
    """The time of the node that asks."""
    return _loop().time()


def wall() -> float:
    """The same, as seconds since 1970."""
    return EPOCH + _loop().time()


class _Poll:
    """Stands for `select.poll`."""

    def __init__(self) -> None:
        self._asked: list[tuple[Socket, int]] = []

    def register(self, own: Socket, events: int) -> None:
        """Ask about one."""
        self._asked.append((own, events))

    def poll(self, _: float) -> list[Socket]:
        """Of which of them something can be said."""
        return [own for own, events in self._asked if own.has(events)]


class _Notes(logging.Handler):
    """Gives what a node logs to its loop."""

    def emit(self, record: logging.LogRecord) -> None:
        _loop().logged.append(Line(record.name, *entry.line_fields(record)))


def _unread(transport: asyncio.BaseTransport, most_bytes: int) -> bytes:
    return cast(Wire, transport).unread()[:most_bytes]


@contextmanager
def simulated() -> Iterator[None]:
    """While this holds, the gateway in this process lives in simulated nodes only."""
    logger, notes = logging.getLogger(entry.LOGGER), _Notes()
    level, propagate, asyncios = logger.level, logger.propagate, logging.getLogger("asyncio").disabled
    logger.addHandler(notes)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        with patch.object(select, "poll", _Poll), entry.replaced(monotonic, wall, _unread):
            yield
    finally:
        logger.removeHandler(notes)
        logger.setLevel(level)
        logger.propagate = propagate
        logging.getLogger("asyncio").disabled = asyncios
