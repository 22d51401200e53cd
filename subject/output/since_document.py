"""What was wrong in the last minutes, as ``diagnose --since --json`` has it. The names in it are fixed."""

from collections.abc import Sequence
from dataclasses import asdict

from subject.diagnosis.retrospect import Episode
from subject.output.documents import Document


def since_document(
    found: Sequence[Episode], start: float, times: Sequence[float], unreadable: int
) -> Document:
    """From `start` on; `times` were looked at, the last one now, and so many records could not be read."""
    return {
        "at": times[-1],
        "from": start,
        "step": times[1] - times[0] if len(times) > 1 else None,
        "unreadable": unreadable,
        "episodes": [_episode(one) for one in found],
    }


def _episode(one: Episode) -> Document:
    return {
        "code": one.finding.code,
        "severity": one.finding.severity,
        "subject": asdict(one.finding.subject),
        "since": one.since,
        "until": one.until,
        "summary": one.finding.summary,
        "explained_by": _cause(one),
    }


def _cause(one: Episode) -> Document | None:
    if one.explained_by is None:
        return None
    code, kind, subject_id = one.explained_by
    return {"code": code, "subject": {"kind": kind, "id": subject_id}}
