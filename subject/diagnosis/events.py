"""What begins and what is over, from one diagnosis to the next."""

from dataclasses import dataclass
from typing import Literal

from subject.diagnosis.problems import Diagnosis
from subject.finding import Finding, Identity

BLIND = "observer_blind"
REGAINED_SECONDS = 15.0
"""So long after it was blind the subject has not seen enough to tell what is over, nor what is new: windows
reach back for ten seconds at most, and nodes that were started again need some to be asked."""


@dataclass(frozen=True, slots=True)
class Event:
    """A problem that was not there at the look before, or is there no more."""

    at: float
    kind: Literal["began", "over"]
    finding: Finding  # as it was when it began, or was seen last


class Events:
    """Remembers the problems of the last look."""

    def __init__(self) -> None:
        self._standing: dict[Identity, Finding] = {}
        self._blind_at: float | None = None

    def since_last(self, at: float, diagnosis: Diagnosis) -> list[Event]:
        """What has changed. While the subject is blind, and for a while after, nothing is over."""
        now = {problem.finding.identity: problem.finding for problem in diagnosis.problems}
        if diagnosis.blind:
            self._blind_at = at
        sees_too_little = sees_little(at, self._blind_at)
        over = [one for one in self._standing if one not in now and (one[0] == BLIND or not sees_too_little)]
        events = [Event(at, "over", self._standing.pop(identity)) for identity in over]
        events += [Event(at, "began", found) for one, found in now.items() if one not in self._standing]
        self._standing |= now
        return events


def sees_little(at: float, blind_at: float | None) -> bool:
    """Whether the subject is blind at this time, or was a moment ago; None: it never was."""
    return blind_at is not None and 0 <= at - blind_at <= REGAINED_SECONDS
