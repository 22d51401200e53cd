"""What is told before anything runs."""

from pathlib import Path
from typing import NoReturn

import pytest

from loadtest import faults
from loadtest.child import StartError
from loadtest.evaluation import command, run_file
from loadtest.evaluation.command import Options
from loadtest.evaluation.plan import Plan
from loadtest.evaluation.run_file import Books, Truth
from tests.unit.loadtest.evaluation.runs import run


async def test_what_a_wrong_clock_takes_is_missed_before_half_an_hour_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> NoReturn:
        raise StartError("a wrong clock needs libfaketime")

    monkeypatch.setattr(faults, "faketime_library", missing)

    with pytest.raises(StartError, match="libfaketime"):
        await command.run(Options(Plan(0, 1, 0, ("skew", "clock_skew")), record=tmp_path / "runs"))

    assert list((tmp_path / "runs").iterdir()) == []


async def test_a_folder_without_a_run_of_what_is_asked_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "recording").write_text("")
    run_file.write(tmp_path, tmp_path / "recording", Truth(run(), (), (), Books(1, ())))

    for asked in (Plan(1, 1, 60, ("steady", "hot_key")), Plan(1, 1, 60, intensities=("high",))):
        with pytest.raises(StartError, match="has no run of what --only and --intensities ask for"):
            await command.run(Options(asked, score=tmp_path))


async def test_a_folder_without_runs_to_try_other_thresholds_on_is_told(tmp_path: Path) -> None:
    (tmp_path / "recording").write_text("")
    run_file.write(tmp_path, tmp_path / "recording", Truth(run(), (), (), Books(1, ())))

    with pytest.raises(StartError, match="has no run of the choosing seeds, which --sweep is about"):
        await command.run(Options(Plan(1, 1, 60), score=tmp_path, sweep=True))


async def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")

    with pytest.raises(StartError, match="runs cannot be made: File exists"):
        await command.run(Options(Plan(0, 1, 0, ("skew",)), record=tmp_path / "runs"))
