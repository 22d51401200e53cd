"""Tasks that run as long as the node does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


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
            for task in started:
                task.cancel()
