"""Redis as it really is: servers, sentinels and nodes as processes."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from tests.integration.gateway.upstream import Upstream

SERVERS = (
    pytest.param(None, id="usual"),
    pytest.param("redis-server", id="redis", marks=pytest.mark.system),
    pytest.param("valkey-server", id="valkey", marks=pytest.mark.system),
)
"""The server that is found first, and those of the operating system."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `gateway.__main__` starts."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=SERVERS)
def server_program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are started from each of the programs that there are."""
    if request.param is not None:
        program = shutil.which(request.param)
        assert program, f"apt install {request.param}"
        monkeypatch.setenv("REDIS_SERVER", program)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A service behind the gateway."""
    async with Upstream() as started:
        yield started
