"""From a signal to an orderly end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Interrupted(Exception):  # noqa: N818 - names what happened, as KeyboardInterrupt does
    """A signal asked for the end, and everything is cleaned up."""

    def __init__(self, number: int) -> None:
        """Keep which signal it was."""
        super().__init__(signal.Signals(number).name)
        self.number = number


async def until_signal(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work`; SIGINT, SIGTERM or SIGHUP cancel it once, and its cleaning up is awaited.

    Further signals change nothing: cleaning up is bounded in time by itself.

    Raises:
        Interrupted: a signal came.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def stop(number: int) -> None:
        if not received:
            task.cancel()
        received.append(number)

    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop, number)
    try:
        result = await task
    except asyncio.CancelledError:
        if not received:
            raise
    else:
        if not received:
            return result
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
    raise Interrupted(received[0])


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end even where the awaiting task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
