"""Commands of the project as processes, and what Docker's check says of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.project import ROOT

SCRIPT = ROOT / "docker/healthcheck.py"


def is_well(check: list[str], **variables: str) -> bool:
    """What the check of an image or a service says, run by this Python with these variables."""
    _, place, *arguments = check
    assert place == f"/{SCRIPT.name}"
    command = [sys.executable, str(SCRIPT), *arguments]
    run = subprocess.run(command, env=os.environ | variables, capture_output=True, timeout=10)
    return run.returncode == 0


@contextmanager
def process(command: list[str], folder: Path, **variables: str) -> Iterator[Callable[[], int | None]]:
    """A command of the project, which ends in order when it is told to."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command], env=os.environ | variables, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        yield started.poll
        started.terminate()
        assert started.wait(timeout=20) == 0
    finally:
        started.kill()
        started.wait()


def until(holds: Callable[[], bool], ended: Callable[[], int | None]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + 30
    while not holds():
        assert ended() is None
        assert time.monotonic() < deadline
