"""Starting processes."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from loadtest import child
from loadtest.child import CODE, StartError
from tests.integration.loadtest.processes import silent_program


def start(folder: Path, program: Path, working_folder: Path) -> child.Child:
    return child.start(
        str(program), name="a child", environment=os.environ, folder=folder, working_folder=working_folder
    )


async def test_a_program_that_cannot_run_says_why(tmp_path: Path) -> None:
    started = start(tmp_path, tmp_path / "nothing", tmp_path)
    assert await started.ends(5)
    assert started.last_words() == f"{tmp_path}/nothing: No such file or directory"
    assert started.process.returncode != 0


def test_a_process_that_the_machine_refuses_is_said_to_be_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="a child cannot be started: No such file or directory"):
        start(tmp_path, silent_program(tmp_path), tmp_path / "nowhere")


def test_code_in_an_archive_is_said_to_be_of_no_use(tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in (CODE / "loadtest").rglob("*.py"):
            out.write(file, file.relative_to(CODE))
        for file in (CODE / "gateway/contract").rglob("*.py"):
            out.write(file, file.relative_to(CODE))
        out.write(CODE / "gateway/__init__.py", "gateway/__init__.py")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "loadtest", "up"],
        env={**os.environ, "PYTHONPATH": str(archive)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout) == (3, "")
    assert (
        ended.stderr
        == f"loadtest: {archive} is no folder, and files in it are to be run: install it by pip\n"
    )
