"""How the end of a run is told."""

import json
from pathlib import Path

import pytest

from loadtest import output, run
from loadtest.child import StartError
from loadtest.progress import Progress
from tests.full_disk import files_of_at_most
from tests.unit.loadtest.run_report.finished_run import finished


def test_a_report_that_cannot_be_written_keeps_no_figure_from_who_reads_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, console = run.Options(["skew"], 7, report=tmp_path, as_json=True), output.console(to_stderr=True)
    told = run.Telling(options, console, Progress(console), began_at=100.0)
    made = finished()

    with files_of_at_most(100), pytest.raises(StartError, match=r"report\.json cannot be written"):
        told.end(made.played, made.verdict)

    assert json.loads(capsys.readouterr().out)["passed"]
    assert list(tmp_path.iterdir()) == []
