"""What more than one test of whole processes needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.exactness import clocks
from tests.integration.gateway.upstream import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A service behind the nodes, which answers as the test says."""
    async with Upstream() as started:
        yield started


@pytest.fixture
def faketime() -> Path:
    """libfaketime, which makes a process believe another wall clock."""
    library = clocks.library()
    assert library, "apt install libfaketime"
    return library
