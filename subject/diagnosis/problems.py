"""Puts findings that share a cause into one problem, with its causes, and the problems in order."""

from dataclasses import dataclass, replace

from subject.causes import causes_of
from subject.causes.case import Case
from subject.causes.cause import Cause
from subject.cluster.snapshot import Snapshot
from subject.detectors import ALL
from subject.detectors.observer import observer_blind
from subject.diagnosis.grouping import explained, root
from subject.finding import SEVERITIES, Finding, Severity
from subject.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the finding that explains the others, these, and why, the likeliest first."""

    finding: Finding
    symptoms: tuple[Finding, ...]
    causes: tuple[Cause, ...]

    @property
    def severity(self) -> Severity:
        """That of its worst finding."""
        return min((self.finding, *self.symptoms), key=_rank).severity


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All problems, the most severe first."""

    problems: tuple[Problem, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all problems, the most severe first, and between equals causes before their effects."""
        found = [one for problem in self.problems for one in (problem.finding, *problem.symptoms)]
        return tuple(sorted(found, key=_rank))

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    @property
    def blind(self) -> bool:
        """Whether the subject could not see."""
        return any(problem.finding.code == "observer_blind" for problem in self.problems)


def diagnose(snapshot: Snapshot, thresholds: Thresholds) -> Diagnosis:
    """Run all detectors over a snapshot; where nothing can be seen, old series say nothing of now."""
    detectors = ALL if snapshot.sees else (observer_blind,)
    found = [finding for detector in detectors for finding in detector(snapshot, thresholds)]
    links = explained(snapshot, found)
    symptoms: dict[int, list[Finding]] = {place: [] for place in range(len(found)) if place not in links}
    for place, link in links.items():
        symptoms[root(place, links)].append(replace(found[place], likely_cause=link.text))
    problems = (
        _problem(Case(snapshot, thresholds, found[place]), tuple(of_it)) for place, of_it in symptoms.items()
    )
    return Diagnosis(tuple(sorted(problems, key=lambda problem: SEVERITIES.index(problem.severity))))


def _problem(case: Case, symptoms: tuple[Finding, ...]) -> Problem:
    causes = causes_of(case)
    return Problem(replace(case.finding, likely_cause=causes[0].text), symptoms, causes)


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)
