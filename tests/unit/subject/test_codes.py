import inspect
import re
from pathlib import Path

import subject.detectors
from subject.codes import CODES


def test_they_are_those_that_detectors_raise() -> None:
    folder = Path(inspect.getfile(subject.detectors)).parent
    raised = {
        code for path in folder.glob("*.py") for code in re.findall(r'code="([a-z_]+)"', path.read_text())
    }

    assert set(CODES) == raised
    assert len(set(CODES)) == len(CODES)
