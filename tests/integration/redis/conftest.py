"""Redis as it really is: servers, sentinels and nodes as processes."""

import asyncio
import shutil
from collections.abc import Callable, Mapping

import pytest
import uvloop

OF_THE_SYSTEM = tuple(
    pytest.param(program, id=program.removesuffix("-server"), marks=pytest.mark.system)
    for program in ("redis-server", "valkey-server")
)
SERVERS = (pytest.param(None, id="usual"), *OF_THE_SYSTEM)
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
