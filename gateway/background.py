"""Tasks that run as long as the node does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

CANCEL_SECONDS = 0.1
"""After so long a task that was cancelled and goes on is cancelled again."""


@asynccontextmanager
async def background(
    *tasks: Callable[[], Any],
) -> AsyncIterator[Callable[[Callable[[], Any]], None]]:
    """Own tasks that run for ever: one that dies ends the node, and all end with the context.

    What is yielded starts another one.
    """
    async with asyncio.TaskGroup() as group:
        started = [group.create_task(task()) for task in tasks]

        def start(task: Callable[[], Any]) -> None:
            started.append(group.create_task(task()))

        try:
            yield start
        finally:
            await _end(started)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them until they have ended.

    A cancellation may be lost: `asyncio.wait_for` of Python 3.11, by which redis-py sends, goes on with its
    result where that has come at the same moment (python/cpython#86296).
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_SECONDS)
