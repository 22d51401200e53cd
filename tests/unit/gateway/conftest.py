from pathlib import Path

import pytest

from gateway.config.settings import Settings, variable


@pytest.fixture
def only_an_upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, and no variable but the one that is needed."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("GATEWAY_UPSTREAM_URL", "http://127.0.0.1:9000")
