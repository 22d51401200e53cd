"""Findings with everything filled in that a test does not care about."""

from dataclasses import replace

from subject.finding import Evidence, Finding, Target
from tests.unit.subject.builders import START


def finding(code: str, target: Target, **fields: object) -> Finding:
    """One that began at START."""
    plain = Finding(
        code=code,
        severity="warning",
        since=START,
        at=START + 20,
        subject=target,
        summary=f"{code} of {target.id}",
        evidence=(Evidence("metric", 1.0, 2.0, "unit"),),
        confidence=0.5,
        likely_cause="something",
        suggested_action="subject status",
        verify_with="subject diagnose",
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # names and types are those of the finding
