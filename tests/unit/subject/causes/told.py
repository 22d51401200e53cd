"""What is told of why."""

from subject.causes.cause import Cause
from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import Problem, diagnose
from tests.unit.subject.builders import THRESHOLDS


def problem(code: str, found: Snapshot) -> Problem:
    """The problem with this cause."""
    return next(one for one in diagnose(found, THRESHOLDS).problems if one.finding.code == code)


def causes(code: str, found: Snapshot) -> tuple[Cause, ...]:
    """Those of that problem, the likeliest first."""
    return problem(code, found).causes
