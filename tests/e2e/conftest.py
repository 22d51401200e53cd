"""What more than one test of whole processes needs."""

from pathlib import Path

import pytest

from tests.exactness import clocks


@pytest.fixture
def faketime() -> Path:
    """libfaketime, which makes a process believe another wall clock."""
    library = clocks.library()
    assert library, "apt install libfaketime"
    return library
