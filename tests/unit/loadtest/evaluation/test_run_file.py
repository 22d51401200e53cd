"""A run's file: what goes in comes out, and what is none is told."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest import verdict
from loadtest.child import StartError
from loadtest.evaluation import jobs, run_file, scoring
from loadtest.evaluation.run_file import Truth
from loadtest.verdict import Verdict
from tests.unit.loadtest.evaluation.runs import BREACH, SKEW, report, run, scenario, times

REPORTS = [
    report(101.0),
    report(103.0, SKEW),
    report(105.0, SKEW, BREACH),
    report(113.0),
    report(140.0, SKEW),
]
OUTCOME = verdict.outcome(scenario(SKEW), REPORTS[:4], times())
TRUTH = run_file.truth_of(run(), REPORTS, Verdict((OUTCOME,), None, counted=12))


def written(folder: Path, truth: Truth = TRUTH) -> Path:
    recording = folder / "recording.jsonl"
    recording.write_text('{"header":{}}\n{"look":{"at":1}}\n')
    run_file.write(folder, recording, truth)
    return run_file.path_of(folder, truth.run.name)


def test_the_truth_comes_back_and_stands_behind_the_recording(tmp_path: Path) -> None:
    path = written(tmp_path)

    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]

    assert run_file.read(path) == TRUTH
    assert run_file.paths(tmp_path) == [path]
    assert [next(iter(line)) for line in lines[:3]] == ["header", "look", "evaluated_run"]


def test_a_scenario_is_judged_by_the_reports_of_its_time() -> None:
    (again,) = scoring.outcomes(TRUTH, REPORTS)

    assert replace(again, scenario=OUTCOME.scenario) == OUTCOME
    assert [finding.code for finding in again.false_alarms] == ["limit_breach"]
    assert again.found_seconds == (3.0,)


def test_a_run_that_is_there_is_not_recorded_again(tmp_path: Path) -> None:
    other = run("reporting-1001-high-300-1", "high")
    written(tmp_path)

    assert jobs.missing([run(), other], tmp_path) == [other]


def test_a_file_of_another_plan_is_told(tmp_path: Path) -> None:
    written(tmp_path)

    with pytest.raises(StartError, match="of a run with other scenarios"):
        jobs.missing([replace(run(), scenarios=("skew", "hot_key"))], tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no gzip", id="no gzip"),
        pytest.param(gzip.compress(b'{"header":{}}\n'), id="no header of a run"),
        pytest.param(gzip.compress(b"x")[:9], id="cut off"),
    ],
)
def test_a_file_that_is_no_run_is_one_line_that_names_it(content: bytes, tmp_path: Path) -> None:
    path = run_file.path_of(tmp_path, "broken")
    path.write_bytes(content)

    with pytest.raises(StartError, match=r"broken\.jsonl\.gz is no recorded run"):
        run_file.read(path)


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="has no recorded run: loadtest evaluate --record"):
        run_file.paths(tmp_path)
