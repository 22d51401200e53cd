"""What is shown, printed, written and told as JSON."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from loadtest import verdict
from loadtest.child import StartError
from loadtest.evaluation import document, page, sweep, tables
from loadtest.evaluation.score import Score
from loadtest.evaluation.sweep import Tried
from loadtest.figure_tables import Place
from subject.thresholds import Thresholds
from tests.unit.loadtest.evaluation.runs import BREACH, SKEW, report, run, scenario, scored, times

GOOD = verdict.outcome(scenario(SKEW), [report(103.0, SKEW), report(113.0, SKEW), report(118.0)], times())
BAD = verdict.outcome(scenario(SKEW), [report(103.0, BREACH), report(118.0)], times())
QUIET = verdict.outcome(scenario(name="steady"), [report(101.0), report(129.0)], times())
SCORES = {
    "choosing": Score((scored(GOOD, of=run("choosing-1-low-20-1", purpose="choosing")),)),
    "reporting": Score((scored(GOOD, BAD), scored(QUIET, of=run("reporting-1001-benign-20-1", "benign")))),
}
PLACE = Place(Path(), page.NAME)
NOBODY = 65534


TRIED = [Tried({"SUBJECT_SKEW_RATIO": "2"}, Score((scored(BAD),)))]


def rows(title: str) -> dict[str, tuple[str, ...]]:
    (table,) = [table for table in tables.all_of(SCORES, TRIED) if table.title == title]
    return {row[0]: row[1:] for row in table.rows}


def test_aims_are_held_against_both_sets_of_seeds() -> None:
    found = rows("In all")

    assert found["recall"] == ("1.0000", "0.5000", "≥ 0.9800", "missed")
    assert found["time to detect, median"] == ("3.00 s", "3.00 s", "≤ 4.00 s", "reached")
    assert found["false alarms an hour of benign traffic"] == ("–", "0.00", "≤ 0.00", "reached")


def test_codes_and_intensities_are_those_of_the_reporting_seeds() -> None:
    assert rows("By code") == {
        "`limit_breach`": ("0", "0", "1", "–", "0.000", "–", "–", "–", "–"),
        "`node_skew`": ("2", "1", "0", "0.500", "1.000", "3.0 s", "3.0 s", "6.0 s", "6.0 s"),
        "in all": ("2", "1", "1", "0.500", "0.500", "3.0 s", "3.0 s", "6.0 s", "6.0 s"),
    }
    assert list(rows("By intensity")) == ["low"]
    assert rows("Benign traffic") == {"20": ("0.5 min", "0")}


def test_other_thresholds_stand_beside_those_in_force_on_the_choosing_seeds() -> None:
    assert rows("Other thresholds, on the choosing seeds") == {
        "those in force": ("1.0000", "1.0000", "3.00 s", "3.00 s", "–"),
        "SUBJECT_SKEW_RATIO=2": ("0.0000", "0.0000", "–", "–", "–"),
    }


def test_every_other_threshold_is_one_that_the_subject_has() -> None:
    defaults = Thresholds()

    for other in sweep.OTHERS:
        ((name, value),) = other.items()
        assert getattr(defaults, name.removeprefix("SUBJECT_").lower()) != float(value), name


def test_what_was_amiss_is_told_one_by_one() -> None:
    (table,) = [table for table in tables.all_of(SCORES) if table.title == "What was amiss"]

    assert table.rows == (
        ("reporting-1001-low-20-1", "skew", "not found: node_skew (node-2)", "most to one node"),
        ("reporting-1001-low-20-1", "skew", "false alarm: limit_breach (k_1)", "most to one node"),
    )


def test_tables_stand_in_their_place_of_a_page(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.md"
    file.write_text(f"# Title\n\n{PLACE.begin}outdated\n{PLACE.end}\nThe rest.\n")

    page.write(file, SCORES)

    text = file.read_text()
    assert text.startswith(f"# Title\n\n{PLACE.begin}\nMeasured on ")
    assert "| recall | 1.0000 | 0.5000 | ≥ 0.9800 | missed |" in text
    assert "outdated" not in text
    assert text.endswith(f"\n{PLACE.end}\nThe rest.\n")


def test_a_page_without_a_place_is_told_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.md"
    file.write_text("nothing")

    with pytest.raises(StartError, match=r"evaluation\.md has no place"):
        page.check(file)


def test_a_page_that_is_none_is_told_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.md"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(StartError, match=r"evaluation\.md is no page: it is not UTF-8"):
        page.check(file)


def test_a_page_that_cannot_be_written_is_told_before_anything_runs() -> None:
    """A root may write all, so it is somebody else."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "evaluation.md"
        file.write_text(f"{PLACE.begin}{PLACE.end}")
        file.chmod(0o444)
        os.seteuid(user or NOBODY)
        try:
            with pytest.raises(StartError, match=f"{folder} cannot be written: Permission denied"):
                page.check(file)
        finally:
            os.seteuid(user)


def test_json_has_every_figure_and_every_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBJECT_SKEW_RATIO", "1.3")
    told = json.loads(document.text(SCORES, TRIED, ["recall: too low"]))

    of_reporting = told["scores"]["reporting"]
    assert told["failures"] == ["recall: too low"]
    assert told["thresholds"] == {"SUBJECT_SKEW_RATIO": "1.3"}
    assert of_reporting["by_code"]["node_skew"]["recall"] == 0.5
    assert of_reporting["aims"]["recall"] == 0.5
    assert of_reporting["runs"][0]["scenarios"][1]["missing"] == ["node_skew (node-2)"]
    assert told["other_thresholds"][0]["aims"]["recall"] == 0.0
    assert of_reporting["runs"][1]["name"] == "reporting-1001-benign-20-1"
