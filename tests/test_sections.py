"""The command lines of the programs among the tests."""

import pytest

from tests import sections

PARSER = sections.parser("tests.any", "Of any.", ["one", "two"])


@pytest.mark.parametrize("named", [[], ["two"], ["two", "one"]])
def test_sections_may_be_named(named: list[str]) -> None:
    assert PARSER.parse_args(named).sections == named


def test_an_unknown_section_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        PARSER.parse_args(["one", "three"])

    assert "'three' is not of one, two" in capsys.readouterr().err
