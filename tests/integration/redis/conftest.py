"""Redis as it really is: servers, sentinels and nodes as processes."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `gateway.__main__` starts."""
    return {"uvloop": uvloop.new_event_loop}
