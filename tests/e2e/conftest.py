"""What more than one test of whole processes needs."""

from pathlib import Path

import pytest

from loadtest import faults


@pytest.fixture
def faketime() -> Path:
    """libfaketime, which makes a process believe another wall clock."""
    return faults.faketime_library()
