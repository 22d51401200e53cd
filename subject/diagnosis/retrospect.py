"""What was wrong in the last minutes: the diagnosis of each moment, by what nodes had written until then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.contract.records import TelemetryRecord
from subject.cluster.view import View
from subject.diagnosis.past import Past
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.finding import SEVERITIES, Finding, Identity
from subject.thresholds import Thresholds

STEP_SECONDS = 5.0
"""So far apart are the moments that are looked at, or less; of many nodes each takes long: they are fewer."""
MOMENTS_FOR_NODES = 360
LEAST_MOMENTS = 30
APART_SECONDS = 15.0
"""What is found again after a longer time is another episode."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One finding over time, as it was at its worst; `until` is None where it is still there.

    `explained_by` is the last finding that explained it, if any did.
    """

    finding: Finding
    since: float
    until: float | None
    explained_by: Identity | None = None


def moments(at: float, seconds: int, earliest: float, nodes: int) -> list[float]:
    """The times to look at: the last `seconds` up to `at`, but for that one none before `earliest`."""
    most = max(LEAST_MOMENTS, MOMENTS_FOR_NODES // max(1, nodes))
    step = max(min(STEP_SECONDS, seconds / LEAST_MOMENTS), seconds / most, 1.0)
    times = [at - step * place for place in range(int(seconds / step) + 1)]
    return sorted(time for time in times if time >= min(earliest, at))


def episodes(
    view: View, records: Sequence[TelemetryRecord], thresholds: Thresholds, times: Sequence[float]
) -> list[Episode]:
    """All of them, the first one first. `view` is that of now, `records` those of all the time before, in
    present time."""
    found: dict[Identity, list[Episode]] = {}
    past = Past(records)
    gap = APART_SECONDS + (times[1] - times[0] if len(times) > 1 else 0.0)
    for time in times:
        for finding, cause in _explained(diagnose(past.snapshot(view, thresholds, time), thresholds)):
            of_it = found.setdefault(finding.identity, [])
            if of_it and finding.since - (of_it[-1].until or 0.0) <= gap:
                last = of_it[-1]
                worst, since = _worse(last.finding, finding), min(last.since, finding.since)
                of_it[-1] = Episode(worst, since, time, cause or last.explained_by)
            else:
                of_it.append(Episode(finding, finding.since, time, cause))
    return sorted(_with_ends(found, times), key=lambda episode: episode.since)


def _with_ends(found: Mapping[Identity, Sequence[Episode]], times: Sequence[float]) -> Iterator[Episode]:
    for of_it in found.values():
        for episode in of_it:
            yield replace(episode, until=None) if episode.until == times[-1] else episode


def by_cause(found: Sequence[Episode]) -> list[tuple[Episode, tuple[Episode, ...]]]:
    """Those that nothing of the same time explains, each with those that it does."""
    of_cause: dict[int, list[Episode]] = {}
    alone = []
    for episode in found:
        causes = [one for one in found if one.finding.identity == episode.explained_by]
        cause = next((one for one in causes if one.explained_by is None and _meet(one, episode)), None)
        if cause is None:
            alone.append(episode)
        else:
            of_cause.setdefault(id(cause), []).append(episode)
    return [(episode, tuple(of_cause.get(id(episode), ()))) for episode in alone]


def _meet(one: Episode, other: Episode) -> bool:
    def ends(episode: Episode) -> float:
        return float("inf") if episode.until is None else episode.until

    return one.since <= ends(other) and other.since <= ends(one)


def _explained(diagnosis: Diagnosis) -> Iterator[tuple[Finding, Identity | None]]:
    """Each finding, and the one that explains it."""
    for problem in diagnosis.problems:
        yield problem.finding, None
        for symptom in problem.symptoms:
            yield symptom, problem.finding.identity


def _worse(one: Finding, other: Finding) -> Finding:
    def rank(finding: Finding) -> tuple[int, float]:
        return SEVERITIES.index(finding.severity), -finding.confidence

    return min(one, other, key=rank)
