"""docs/detectors.md says what the code does."""

import inspect
import re
from pathlib import Path

import pytest

import subject.detectors
from subject.codes import CODES
from subject.settings import Settings, variable
from subject.thresholds import Thresholds
from tests.project import ROOT

DOCUMENT = (ROOT / "docs" / "detectors.md").read_text()
SOURCES = {path: path.read_text() for path in Path(inspect.getfile(subject.detectors)).parent.glob("*.py")}


def test_every_threshold_is_documented_and_no_other() -> None:
    named = set(re.findall(r"SUBJECT_[A-Z0-9_]+", DOCUMENT))

    assert named == {variable(name) for name in Thresholds.model_fields} | {"SUBJECT_NODES"}


@pytest.mark.parametrize("name", sorted(Thresholds.model_fields))
def test_the_documented_value_is_the_default(name: str) -> None:
    default = Thresholds.model_fields[name].default
    given = re.findall(rf"`{variable(name)}` \(([0-9.e-]+)\)", DOCUMENT)

    assert {float(value) for value in given} == {float(default)}


def test_every_code_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", DOCUMENT, re.MULTILINE)

    assert {code for row in rows for code in re.findall(r"`(\w+)`", row)} == set(CODES)


def test_every_evidence_is_documented() -> None:
    metrics = {
        metric for text in SOURCES.values() for metric in re.findall(r'Evidence\(\s*"([a-z_0-9]+)"', text)
    }

    assert {metric for metric in metrics if f"`{metric}`" not in DOCUMENT} == set()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_read_by_code(name: str) -> None:
    package = Path(inspect.getfile(subject)).parent
    code = "\n".join(path.read_text() for path in package.rglob("*.py"))

    assert re.search(rf"(settings|thresholds|self)\.(_settings\.)?{name}\b", code)


def test_every_code_has_an_example_from_a_run() -> None:
    sections = re.findall(r"^## (.+)\n(?s:(.*?))(?=^## |\Z)", DOCUMENT, re.MULTILINE)
    rows = re.findall(r"^\| (`.+?`) \| (?:info|warning|critical)", DOCUMENT, re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}

    told = {code for title, text in sections if "\nFrom a run:\n\n> " in text for code in title.split(", ")}

    assert told == codes
