"""Puts findings that share a cause into one problem, and the problems in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from subject.detectors import ALL
from subject.detectors.observer import observer_blind
from subject.detectors.thresholds import Thresholds
from subject.finding import SEVERITIES, Finding, clock
from subject.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the finding from which the others come, and these."""

    finding: Finding
    symptoms: tuple[Finding, ...]


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
    causes = {place: cause for place in range(len(found)) if (cause := _cause(place, found)) is not None}
    symptoms: dict[int, list[Finding]] = {place: [] for place in range(len(found)) if place not in causes}
    for place, cause in causes.items():
        symptoms[_root(place, causes)].append(replace(found[place], likely_cause=cause.text))
    problems = (Problem(found[root], tuple(of_it)) for root, of_it in symptoms.items())
    return Diagnosis(tuple(sorted(problems, key=lambda problem: _rank(problem.finding))))


@dataclass(frozen=True, slots=True)
class _Cause:
    place: int  # of the finding that explains it
    text: str


def _cause(place: int, found: Sequence[Finding]) -> _Cause | None:
    effect = found[place]
    for cause_code, effect_code, related, text in CAUSES:
        if effect.code != effect_code:
            continue
        for other, cause in enumerate(found):
            if cause.code == cause_code and related(cause, effect):
                told = text.format(cause=cause.subject.id, since=clock(cause.since))
                return _Cause(other, f"{told} ({cause_code})")
    return None


def _root(place: int, causes: dict[int, _Cause]) -> int:
    """Where the chain of causes begins: no code explains one that explains it."""
    while place in causes:
        place = causes[place].place
    return place


def _rank(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _always(cause: Finding, effect: Finding) -> bool:
    del cause, effect
    return True


def _same_subject(cause: Finding, effect: Finding) -> bool:
    return cause.subject == effect.subject


def _same_time(cause: Finding, effect: Finding) -> bool:
    return abs(cause.since - effect.since) <= SAME_TIME_SECONDS


SAME_TIME_SECONDS = 10.0

CAUSES: tuple[tuple[str, str, Callable[[Finding, Finding], bool], str], ...] = (
    ("node_flapping", "node_down", _same_subject, "it comes and goes since {since}"),
    ("store_down", "fallback_active", _always, "Redis does not answer since {since}"),
    ("store_slow", "fallback_active", _always, "Redis answers later than the node's deadline since {since}"),
    (
        "node_down",
        "node_skew",
        _same_time,
        "{cause} is down since {since}, and its share went to another node",
    ),
    ("retry_storm", "spike_single", _same_subject, "its retries since {since}: the same requests again"),
    ("node_skew", "traffic_drop", _same_time, "{cause} gets its share since {since}"),
    ("cardinality_attack", "spike_broad", _same_time, "new clients in numbers since {since}"),
    (
        "cardinality_attack",
        "store_evicting",
        _always,
        "new clients in numbers since {since}: each takes room",
    ),
    ("spike_single", "hot_key", _same_subject, "its own spike since {since}"),
    ("retry_storm", "hot_key", _same_subject, "its retries since {since}"),
    ("retry_storm", "limit_breach", _same_subject, "its retries since {since}"),
    ("spike_single", "limit_breach", _same_subject, "its own spike since {since}"),
    ("spike_single", "node_skew", _same_time, "{cause}'s spike since {since} comes in through this node"),
    ("spike_broad", "limit_breach", _same_time, "the spike of the whole cluster since {since}"),
)
"""Cause, effect, whether these two belong together, and how it is said. The first that fits is taken."""
