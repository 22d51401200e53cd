"""A run's file: what goes in comes out, and what is none is told."""

import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest import verdict
from loadtest.child import StartError
from loadtest.evaluation import jobs, run_file, scoring
from loadtest.evaluation.run_file import Truth
from loadtest.verdict import Verdict
from tests.full_disk import files_of_at_most
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
        pytest.param(gzip.compress(b"x")[:10] + b"\xff" * 20, id="damaged"),
    ],
)
def test_a_file_that_is_no_run_is_one_line_that_names_it(content: bytes, tmp_path: Path) -> None:
    path = run_file.path_of(tmp_path, "broken")
    path.write_bytes(content)

    with pytest.raises(StartError, match=r"broken\.jsonl\.gz is no recorded run"):
        run_file.read(path)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"purpose": "fun"}, id="purpose"),
        pytest.param({"intensity": "some"}, id="intensity"),
        pytest.param({"name": "../runs/reporting-1001-low-20-1"}, id="name"),
    ],
)
def test_a_run_that_no_plan_has_is_told(odd: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path)
    recorded = gzip.decompress(path.read_bytes()).decode()
    for field, value in odd.items():
        recorded = recorded.replace(f'"{field}":"{getattr(run(), field)}"', f'"{field}":"{value}"')
    path.write_bytes(gzip.compress(recorded.encode()))

    with pytest.raises(StartError, match="is no recorded run: it says that it is"):
        run_file.read(path)


def test_a_copy_under_another_name_does_not_count_twice(tmp_path: Path) -> None:
    copy = run_file.path_of(tmp_path, "copy")
    copy.write_bytes(written(tmp_path).read_bytes())

    with pytest.raises(StartError, match=r"copy\.jsonl\.gz is no .* says that it is reporting-1001-low-20-1"):
        run_file.read(copy)


def test_two_that_record_the_same_run_do_not_write_into_one_file(tmp_path: Path) -> None:
    slow = tmp_path / "slow.jsonl"
    os.mkfifo(slow)
    with ThreadPoolExecutor() as pool:
        one = pool.submit(run_file.write, tmp_path, slow, TRUTH)
        with slow.open("w") as lines:  # from now on it has begun
            path = written(tmp_path)
            lines.write('{"header":{}}\n{"look":{"at":2}}\n')
            assert run_file.read(path) == TRUTH
        one.result()

    assert run_file.read(path) == TRUTH
    assert b'{"look":{"at":2}}' in gzip.decompress(path.read_bytes())


def test_what_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    recording.write_text("x" * 10_000)

    with files_of_at_most(100), pytest.raises(StartError, match="gz cannot be written: File too large"):
        run_file.write(tmp_path, recording, TRUTH)

    assert list(tmp_path.iterdir()) == [recording]


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="has no recorded run: loadtest evaluate --record"):
        run_file.paths(tmp_path)
