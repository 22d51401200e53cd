from pathlib import Path

import pytest

from tests.deployment import secret_files


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as docker/secrets.sh makes it; it needs openssl."""
    return secret_files.make(tmp_path_factory.mktemp("hardened"), "api.example.com")
