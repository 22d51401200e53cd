"""`loadtest evaluate`, as processes: several clusters at a time, recorded once."""

import json
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGINT

from loadtest import cluster
from tests.integration.loadtest.processes import alive, started_by

SIZE = ("--reporting", "1", "--choosing", "0", "--benign", "0", "--intensities", "low", "--jobs", "2")
ONE = ("--only", "bad_override", *SIZE)
TWO = ("--only", "bad_override,skew", *SIZE)
"""Runs: one of these scenarios is played at another rate."""

LONGEST_SECONDS = 240.0


def start(tmp_path: Path, *command: str, **environment: str) -> "subprocess.Popen[str]":
    """With all temporary files in a folder of its own."""
    temporary = tmp_path / "temporary files"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest", "evaluate", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**cluster.own_environment(), "TMPDIR": str(temporary), **environment},
    )


def test_runs_are_recorded_once_and_scored_again(tmp_path: Path) -> None:
    with start(tmp_path, *ONE, "--record", "some runs", "--json") as process:
        out, errors = process.communicate(timeout=LONGEST_SECONDS)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "some runs").iterdir()}
    with start(tmp_path, *ONE, "--record", "some runs", "--json") as process:
        again, _ = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 0, out + errors
    assert again == out
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "some runs").iterdir()} == files
    assert [file.name for file in files] == ["reporting-1001-low-5-1.jsonl.gz"]
    (in_all,) = (score["in_all"] for score in json.loads(out)["scores"].values())
    assert (in_all["expected"], in_all["found"], in_all["false_alarms"]) == (1, 1, 0)
    assert not list((tmp_path / "temporary files").iterdir())


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path, *TWO) as process:
        time.sleep(8.0)
        pids = started_by(process.pid)
        process.send_signal(SIGINT)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert pids
    assert not alive(pids)
    assert not list((tmp_path / "temporary files").iterdir())


def test_a_run_that_cannot_start_ends_it_in_one_line(tmp_path: Path) -> None:
    with start(tmp_path, *TWO, REDIS_SERVER=str(tmp_path / "no-redis")) as process:
        out, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 3
    assert out == ""
    assert errors.splitlines()[-1].startswith("loadtest: reporting-1001-")
    assert "REDIS_SERVER=" in errors
    assert "once more" in errors
    assert "Traceback" not in errors
