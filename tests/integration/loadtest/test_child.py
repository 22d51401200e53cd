"""Starting processes."""

import os
from pathlib import Path

import pytest

from loadtest import child
from loadtest.child import StartError
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
