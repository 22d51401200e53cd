"""Each code can be explained, in the document's words and with the thresholds in force."""

import pytest

from subject.codes import CODES
from subject.commands import explanations
from subject.errors import UsageError
from subject.settings import load, variable
from subject.thresholds import Thresholds
from tests.project import ROOT


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_explained(code: str) -> None:
    text = explanations.explain(code, load())

    assert text.startswith(f"{code}\n\n")
    assert len(text) > 100
    assert "`" not in text


def test_what_is_explained_is_what_the_document_says() -> None:
    document = (ROOT / "docs/detectors.md").read_text()

    assert explanations.read_document() == document
    assert set(CODES) <= explanations.sections(document).keys()


def test_the_thresholds_in_force_are_told() -> None:
    settings = load(skew_ratio=2.5)
    text = explanations.explain("node_skew", settings)

    assert f"{variable('skew_ratio')}=2.5" in text.rpartition("In force here: ")[2]
    assert Thresholds().skew_ratio == 1.5


def test_no_code_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no code of that name \(codes: .*node_skew"):
        explanations.explain("toothache", load())
