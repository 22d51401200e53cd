"""docs/settings.md says what there is to set."""

import re
from pathlib import Path

from gateway.settings import Settings, variable

PAGE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", PAGE, re.MULTILINE))


def test_the_page_lists_every_setting_and_no_other() -> None:
    assert set(ROWS) == {variable(name) for name in Settings.model_fields}


def test_the_defaults_on_the_page_are_those_in_force() -> None:
    plain = {
        variable(name): str(field.default)
        for name, field in Settings.model_fields.items()
        if field.default is not None and not field.is_required() and field.default_factory is None
    }
    assert {name: ROWS[name] for name in plain} == plain
