"""What the subject made of one scenario, for JSON documents."""

from typing import Any

from loadtest.remedied import Remedied
from loadtest.verdict import Outcome


def document(outcome: Outcome) -> dict[str, Any]:
    """The truth and its times, what was found of it and when, what was amiss, and what was done."""
    return {
        "name": outcome.scenario.name,
        "injected": outcome.scenario.injected,
        "began_at": outcome.times.began_at,
        "ended_at": outcome.times.ended_at,
        "found": [
            {"sign": str(sign), "seconds": seconds}
            for (sign, _), seconds in zip(outcome.found, outcome.found_seconds, strict=True)
        ],
        "missing": [str(sign) for sign in outcome.missing],
        "false_alarms": [str(finding) for finding in outcome.false_alarms],
        "stayed": [str(finding) for finding in outcome.stayed],
        "seconds_to_clear": outcome.clear_seconds,
        "remedy": None if outcome.remedied is None else _remedy(outcome.remedied),
    }


def _remedy(remedied: Remedied) -> dict[str, Any]:
    return {
        "done": remedied.done.told,
        "is_command": not remedied.remedy.is_outside,
        "done_at": remedied.done.at,
        "seconds_to_be_in_force": remedied.done.seconds,
        "undo": remedied.done.undo,
        "figure": type(remedied.remedy.figure).__name__,
        "before": remedied.before,
        "after": remedied.after,
        "seconds_to_close": remedied.closed_seconds,
        "helped": remedied.helped,
        "told": remedied.told,
    }
