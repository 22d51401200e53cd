"""What was wrong in the last minutes: the diagnosis of each moment, by what nodes had written until then."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.contract.roster import RosterEntry
from gateway.contract.telemetry import TelemetryRecord
from subject.cluster import samples
from subject.cluster.present_time import MARGIN_SECONDS
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.finding import SEVERITIES, Finding, Identity
from subject.thresholds import Thresholds

STEP_SECONDS = 5.0
"""So far apart are the moments that are looked at, or less; of many nodes each takes long: they are fewer."""
MOMENTS_FOR_NODES = 360
LEAST_MOMENTS = 30
APART_SECONDS = 15.0
"""What is found again after a longer time is another episode."""
TOGETHER_SECONDS = 1.0
"""Nodes publish at different moments of a second: where all stop at once, some write so much longer."""


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


class Past:
    """All records, and the samples that they make, made once."""

    def __init__(self, records: Sequence[TelemetryRecord]) -> None:
        self.records = sorted(records, key=_at)
        self._of_node: dict[str, list[TelemetryRecord]] = {}
        for record in self.records:
            self._of_node.setdefault(record.node_id, []).append(record)
        self._samples = {node_id: samples.made_of(of_it) for node_id, of_it in self._of_node.items()}

    def between(self, first: float, last: float) -> list[TelemetryRecord]:
        """The records of this time."""
        return self.records[
            bisect_left(self.records, first, key=_at) : bisect_right(self.records, last, key=_at)
        ]

    def samples(self, records: Sequence[TelemetryRecord]) -> tuple[Sample, ...]:
        """The samples of some of a node's records that follow each other."""
        if not records:
            return ()
        first, last = records[0].at, records[-1].at
        of_node = self._samples[records[0].node_id]
        # What ends with the first record may have begun long before, as where a node stood still for hours.
        earliest = first - samples.LONGEST_START_SECONDS
        places = slice(bisect_left(of_node, first, key=_end), bisect_right(of_node, last, key=_end))
        return tuple(sample for sample in of_node[places] if earliest <= sample.start)

    def snapshot(self, view: View, thresholds: Thresholds, time: float) -> Snapshot:
        """What a look would have shown then, as far as records tell; the limits are those of `view`."""
        roster = dict(self._roster(view.roster, time))
        went_on = {
            node_id: entry
            for node_id, entry in roster.items()
            if time - entry.last.at > thresholds.node_down_seconds and self._went_on(node_id, time)
        }
        of_time = replace(
            view,
            at=time,
            seen_at=time,
            roster=roster,
            records=tuple(self.between(time - thresholds.baseline_seconds - MARGIN_SECONDS, time)),
            states=went_on,
            asked=frozenset(went_on),
            windows=(),
            unreadable=(),
            unread_nodes=(),
        )
        return take(of_time, thresholds.node_down_seconds, self.samples)

    def _went_on(self, node_id: str, time: float) -> bool:
        """Whether it was silent because Redis was away: nobody wrote meanwhile, and it did not start anew.
        Asked at /state it would have answered. One that is alone has to have decided without Redis."""
        of_node = self._samples.get(node_id, ())
        gap = next((sample for sample in of_node if sample.start < time < sample.end), None)
        if gap is None or self.between(gap.start + TOGETHER_SECONDS, gap.end - TOGETHER_SECONDS):
            return False
        return len(self._samples) > 1 or gap.fallbacks > 0

    def _roster(self, now: Mapping[str, RosterEntry], time: float) -> Iterator[tuple[str, RosterEntry]]:
        """Each node with the last that it had said by then; those that had said nothing were not there."""
        for node_id, entry in now.items():
            of_node = self._of_node.get(node_id, [])
            before = of_node[: bisect_right(of_node, time, key=_at)][-1:]
            said = [*before, *([entry.last] if entry.last.at <= time else [])]
            if said:
                yield node_id, replace(entry, last=max(said, key=_at))


def _at(record: TelemetryRecord) -> float:
    return record.at


def _end(sample: Sample) -> float:
    return sample.end


def _worse(one: Finding, other: Finding) -> Finding:
    def rank(finding: Finding) -> tuple[int, float]:
        return SEVERITIES.index(finding.severity), -finding.confidence

    return min(one, other, key=rank)
