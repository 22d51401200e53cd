"""The demo and its scenarios, as processes."""

import subprocess
import sys
import time
from pathlib import Path
from signal import SIGINT

import pytest

from loadtest import cluster
from tests.integration.loadtest.processes import alive, started_by

LONGEST_SECONDS = 120.0
SEED = "17"


def start(tmp_path: Path, *command: str) -> "subprocess.Popen[str]":
    """Start it in a folder with a space in its name, with all temporary files there too."""
    folder = tmp_path / "a folder"
    temporary = tmp_path / "temporary files"
    folder.mkdir()
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest", *command, "--seed", SEED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**cluster.own_environment(), "TMPDIR": str(temporary)},
    )


def files_in(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_run_passes_and_leaves_nothing(tmp_path: Path) -> None:
    """One scenario; `make demo` itself, with all scenarios, is what CI runs before the tests."""
    with start(tmp_path, "run", "skew") as process:
        time.sleep(15)
        pids = started_by(process.pid)
        out, errors = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, out + errors
    assert "PASS" in out.splitlines()[-1]
    assert f"seed {SEED}" in out
    assert "node_skew" in out
    assert errors == ""
    assert "\x1b" not in out
    assert pids
    assert not alive(pids)
    assert not files_in(tmp_path)


@pytest.mark.parametrize("after_seconds", [3.0, 8.0])
def test_ctrl_c_leaves_nothing(after_seconds: float, tmp_path: Path) -> None:
    with start(tmp_path, "demo") as process:
        time.sleep(after_seconds)
        pids = started_by(process.pid)
        process.send_signal(SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == ""
    assert pids
    assert not alive(pids)
    assert not files_in(tmp_path)
