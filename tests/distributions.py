"""Wheels and sdists, built as a release is."""

import subprocess
import sys
from pathlib import Path

from tests.project import PROJECT

NAME = f"operator_ratelimiter-{PROJECT['version']}"
BUILD_SECONDS = 120


def built(kind: str, source: Path, folder: Path) -> Path:
    """Of the files in `source`; no package index is asked for anything."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=BUILD_SECONDS)
    (path,) = folder.glob(f"{NAME}*")
    return path
