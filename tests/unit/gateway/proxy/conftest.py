import pytest

from gateway.proxy.upstream_connection import UpstreamConnection
from tests.unit.gateway.proxy.wire import Wire


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> UpstreamConnection:
    connection = UpstreamConnection()
    connection.connection_made(wire)
    return connection
