"""One look after the other, until whoever watches has seen enough."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from subject.cluster.view import View
from subject.telemetry.reader import Reader

EVERY_SECONDS = 2
Result = TypeVar("Result")


class Looks:
    """Looks every so many seconds; `stop` ends it at once, also where Redis keeps a look waiting."""

    def __init__(self, reader: Reader, every_seconds: float, for_seconds: float | None) -> None:
        self._reader = reader
        self._every_seconds = every_seconds
        self._for_seconds = for_seconds
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """No further look."""
        self._stopped.set()

    async def views(self) -> AsyncGenerator[View, None]:
        """What each look brought. SIGINT, SIGTERM, and SIGHUP where it is not ignored, end it in order."""
        loop = asyncio.get_running_loop()
        if self._for_seconds is not None:
            loop.call_later(self._for_seconds, self.stop)
        ending = {signal.SIGINT, signal.SIGTERM}
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            ending.add(signal.SIGHUP)
        with _signals(dict.fromkeys(ending, self.stop)):
            while not self._stopped.is_set():
                next_at = loop.time() + self._every_seconds
                view = await self._unless_stopped(self._reader.look())
                if view is None:
                    return
                yield view
                await self._unless_stopped(asyncio.sleep(next_at - loop.time()))

    async def _unless_stopped(self, doing: Coroutine[Any, Any, Result]) -> Result | None:
        task = asyncio.ensure_future(doing)
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            stopped.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)


@contextmanager
def _signals(handlers: dict[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # where Python gives no signals
        return
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
