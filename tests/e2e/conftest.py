"""What more than one test of whole processes needs."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.upstream import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A service behind the nodes, which answers as the test says."""
    async with Upstream() as started:
        yield started
