"""What is put in the place of clocks, the kernel and chance while nodes are simulated.

Nothing else is: settings, policies, admission, both lanes, aiohttp's server and upstreams are the real ones.
"""

import asyncio
import logging
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from gateway import clock
from gateway.proxy import looks, upstream_connection
from gateway.proxy.front import Front
from gateway.proxy.request_id import RequestIds
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


def _next_id(_: RequestIds) -> str:
    return f"{next(_loop().ids):032x}"


class _Notes(logging.Handler):
    """Gives what a node logs to its loop."""

    def emit(self, record: logging.LogRecord) -> None:
        _loop().logged.append(line_of(record))


def _counting(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    def counted(*args: Any, **options: Any) -> Any:
        loop = _loop()
        setattr(loop, name, getattr(loop, name) + 1)
        return call(*args, **options)

    return counted


@contextmanager
def simulated() -> Iterator[None]:
    """While this holds, the gateway in this process lives in simulated nodes only."""
    time, poll = clock.monotonic, SimpleNamespace(**{**vars(select), "poll": _Poll})
    replaced: list[Any] = [
        patch.object(module, name, new)
        for module in [module for name, module in sys.modules.items() if name.startswith("gateway.")]
        for name, old, new in (("monotonic", time, monotonic), ("wall", clock.wall, wall))
        if getattr(module, name, None) is old
    ]
    replaced += [
        patch.object(looks, "select", poll),
        patch.object(upstream_connection, "unread", lambda *_: b""),
        patch.object(RequestIds, "new", _next_id),
        patch.object(Front, "fast_ended", _counting(Front.fast_ended, "served_fast")),
        patch.object(Front, "fast_broke", _counting(Front.fast_broke, "served_fast")),
        patch.object(Front, "fast_left", _counting(Front.fast_left, "left_by_fast")),
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
