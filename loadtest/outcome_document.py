"""What the subject made of one scenario, for JSON documents."""

from typing import Any

from loadtest.verdict import Outcome


def document(outcome: Outcome) -> dict[str, Any]:
    """The truth and its times, what was found of it and when, and what was amiss."""
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
    }
