"""docs/settings.md says what there is to set, for a node and for the subject."""

import re
from pathlib import Path
from typing import Any

import pytest

import gateway.config.settings as node_settings
import subject.settings
from subject.thresholds import Thresholds

PAGE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
OF_NODES, OF_THE_SUBJECT = (
    dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", part, re.MULTILINE))
    for part in PAGE.split("\n## Settings of the subject\n")
)
NODES = {node_settings.variable(name): field for name, field in node_settings.Settings.model_fields.items()}
SUBJECT = {
    subject.settings.variable(name): field
    for name, field in subject.settings.Settings.model_fields.items()
    if name not in Thresholds.model_fields  # those are in docs/detectors.md
}
TABLES = pytest.mark.parametrize(
    ("rows", "known"), [(OF_NODES, NODES), (OF_THE_SUBJECT, SUBJECT)], ids=["node", "subject"]
)


@TABLES
def test_the_page_lists_every_setting_and_no_other(rows: dict[str, str], known: dict[str, Any]) -> None:
    assert rows.keys() == known.keys()


@TABLES
def test_the_defaults_on_the_page_are_those_in_force(rows: dict[str, str], known: dict[str, Any]) -> None:
    plain = {
        variable: str(field.default) or "–"
        for variable, field in known.items()
        if field.default is not None and not field.is_required() and field.default_factory is None
    }
    assert {name: rows[name] for name in plain} == plain
