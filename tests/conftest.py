"""Fixtures that more than one folder of tests uses."""

import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
import redis.asyncio as redis_asyncio
from hypothesis import HealthCheck, settings

from gateway.version import COMPILED
from loadtest import redis_server
from loadtest.plan import own_environment
from tests.integration.gateway.upstream import Upstream

GIVEN = "GATEWAY_FAST_LANE"
"""A setting that `make test` gives to a part of the tests."""

# That a machine is busy is no fault of the code; on CI the examples are the same each time.
settings.register_profile(
    "project", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--compiled``: the gateway is what `make compiled` made."""
    parser.addoption("--compiled", action="store_true", help="test the compiled gateway, and nothing else")


def pytest_configure(config: pytest.Config) -> None:
    """End at once where the code that runs is not the code that is meant.

    Ctrl-C and a hang-up are what they are in a terminal, for all that is started here too: a shell that
    runs this in the background has the one ignored, and nohup the other. Settings, the way to others and the
    width of whoever runs this are not what is tested.
    """
    theirs = os.environ.keys() - own_environment().keys() - {GIVEN}
    for name in (
        *theirs,
        *(name for name in os.environ if name.lower().endswith("_proxy")),
        "COLUMNS",
        "LINES",
    ):
        os.environ.pop(name, None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if config.getoption("--compiled") != COMPILED:
        raise pytest.UsageError(f"the gateway here is {'' if COMPILED else 'not '}compiled")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what looks into the source's functions, where there are none."""
    if not COMPILED:
        return
    of_source = [item for item in items if item.get_closest_marker("source")]
    config.hook.pytest_deselected(items=of_source)
    items[:] = [item for item in items if item not in of_source]


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[redis_server.RedisServer]:
    """One real server for the whole run; tests that stop or pause a server start their own."""
    with redis_server.running() as server:
        yield server


@pytest.fixture
async def redis_client(shared_redis: redis_server.RedisServer) -> AsyncIterator[redis_asyncio.Redis]:
    """A client of the shared server, which is empty."""
    async with redis_asyncio.Redis.from_url(shared_redis.url, decode_responses=True) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def redis_url(shared_redis: redis_server.RedisServer, redis_client: redis_asyncio.Redis) -> str:
    """The shared server's address; it is empty."""
    return shared_redis.url


@pytest.fixture
def own_redis() -> Iterator[redis_server.RedisServer]:
    """A server that the test may kill or pause."""
    with redis_server.running() as server:
        yield server


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A service behind the gateway, which answers as the test says."""
    async with Upstream() as started:
        yield started
