"""What begins and what is over, from one diagnosis to the next."""

from dataclasses import dataclass
from typing import Literal

from subject.diagnosis.problems import Diagnosis
from subject.finding import Finding

Identity = tuple[str, str, str]
"""The code, and whom it is about."""


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

    def since_last(self, at: float, diagnosis: Diagnosis) -> list[Event]:
        """What has changed. Where the subject is blind, nothing is over: it does not know."""
        now = {_identity(problem.finding): problem.finding for problem in diagnosis.problems}
        over = [] if diagnosis.blind else [one for one in self._standing if one not in now]
        events = [Event(at, "over", self._standing.pop(identity)) for identity in over]
        events += [Event(at, "began", found) for one, found in now.items() if one not in self._standing]
        self._standing |= now
        return events


def _identity(found: Finding) -> Identity:
    return found.code, found.subject.kind, found.subject.id
