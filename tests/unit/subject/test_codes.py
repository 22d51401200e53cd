import inspect
import re
import shlex
from pathlib import Path

import pytest

import subject.detectors
from subject.codes import CODES
from subject.diagnosis.problems import diagnose
from tests.unit.subject.builders import THRESHOLDS
from tests.unit.subject.scenes import SCENES


def test_they_are_those_that_detectors_raise() -> None:
    folder = Path(inspect.getfile(subject.detectors)).parent
    raised = {
        code for path in folder.glob("*.py") for code in re.findall(r'code="([a-z_]+)"', path.read_text())
    }

    assert set(CODES) == raised
    assert len(set(CODES)) == len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_what_a_finding_suggests_can_be_pasted_where_the_subject_runs(code: str) -> None:
    """`gateway --check`, say, would show the settings of this machine, and no node's."""
    found = next(one for one in diagnose(SCENES[code](), THRESHOLDS).findings if one.code == code)

    for line in (found.suggested_action, found.verify_with):
        program, *_ = [word for word in shlex.split(line) if not word.startswith("SUBJECT_NODES=")]
        assert program in ("subject", "curl", "redis-cli")
