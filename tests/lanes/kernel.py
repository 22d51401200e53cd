"""What is put in the place of clocks, the kernel and chance while nodes are simulated.

Nothing else is: settings, policies, admission, both lanes, aiohttp's server and upstreams are the real ones.
"""

import asyncio
import logging
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from gateway import clock
from gateway.proxy import upstream_connection
from gateway.proxy.fronted_connection import FrontedConnection
from tests.lanes.loop import LaneLoop
from tests.lanes.record import line_of
from tests.lanes.wire import Socket

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
        _loop().logged.append(line_of(record))


def _counting_left(call: Callable[..., None]) -> Callable[..., None]:
    def counted(*args: Any, **options: Any) -> None:
        _loop().left_by_fast += 1
        call(*args, **options)

    return counted


@contextmanager
def simulated() -> Iterator[None]:
    """While this holds, the gateway in this process lives in simulated nodes only."""
    time = clock.monotonic
    replaced: list[Any] = [
        patch.object(module, name, new)
        for module in [module for name, module in sys.modules.items() if name.startswith("gateway.")]
        for name, old, new in (("monotonic", time, monotonic), ("wall", clock.wall, wall))
        if getattr(module, name, None) is old
    ]
    replaced += [
        patch.object(select, "poll", _Poll),
        patch.object(upstream_connection, "unread", lambda *_: b""),
        patch.object(FrontedConnection, "front_left", _counting_left(FrontedConnection.front_left)),
    ]
    logger, notes = logging.getLogger("gateway"), _Notes()
    level, propagate, asyncios = logger.level, logger.propagate, logging.getLogger("asyncio").disabled
    for each in replaced:
        each.start()
    logger.addHandler(notes)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(notes)
        logger.setLevel(level)
        logger.propagate = propagate
        logging.getLogger("asyncio").disabled = asyncios
        for each in reversed(replaced):
            each.stop()
