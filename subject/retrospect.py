"""What was wrong in the last minutes: the diagnosis of each moment, by what nodes had written until then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.contract.roster import RosterEntry
from gateway.contract.telemetry import TelemetryRecord
from subject.detectors.thresholds import Thresholds
from subject.diagnosis import diagnose
from subject.finding import SEVERITIES, Finding
from subject.snapshot import take
from subject.view import View

MOMENTS = 60
"""So many are looked at, at most one a second."""
APART_SECONDS = 15.0
"""What is found again after a longer time is another episode."""
MARGIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Episode:
    """One finding over time, as it was at its worst; `until` is None where it is still there."""

    finding: Finding
    since: float
    until: float | None


def moments(at: float, seconds: int, earliest: float) -> list[float]:
    """The times to look at: the last `seconds` up to `at`, none of them before `earliest`."""
    step = max(1.0, seconds / MOMENTS)
    times = [at - step * place for place in range(int(seconds / step) + 1)]
    return sorted(time for time in times if time >= earliest)


def episodes(
    view: View, records: Sequence[TelemetryRecord], thresholds: Thresholds, times: Sequence[float]
) -> list[Episode]:
    """All of them, the first one first. `view` is that of now, `records` those of all the time before."""
    found: dict[tuple[str, str, str], list[Episode]] = {}
    gap = APART_SECONDS + (times[1] - times[0] if len(times) > 1 else 0.0)
    for time in times:
        for finding in _found(view, records, thresholds, time):
            of_it = found.setdefault((finding.code, finding.subject.kind, finding.subject.id), [])
            if of_it and finding.since - (of_it[-1].until or 0.0) <= gap:
                last = of_it[-1]
                of_it[-1] = Episode(_worse(last.finding, finding), min(last.since, finding.since), time)
            else:
                of_it.append(Episode(finding, finding.since, time))
    return sorted(_with_ends(found, times), key=lambda episode: episode.since)


def _with_ends(
    found: Mapping[tuple[str, str, str], Sequence[Episode]], times: Sequence[float]
) -> Iterator[Episode]:
    for of_it in found.values():
        for episode in of_it:
            yield replace(episode, until=None) if episode.until == times[-1] else episode


def _found(
    view: View, records: Sequence[TelemetryRecord], thresholds: Thresholds, time: float
) -> tuple[Finding, ...]:
    first = time - thresholds.baseline_seconds - MARGIN_SECONDS
    then = tuple(record for record in records if first <= record.at <= time)
    of_time = replace(
        view,
        at=time,
        seen_at=time,
        roster=dict(_roster(view.roster, records, time)),
        records=then,
        states={},
        asked=frozenset(),
        windows=(),
        unreadable=(),
        unread_nodes=(),
    )
    return diagnose(take(of_time, thresholds.node_down_seconds), thresholds).findings


def _roster(
    now: Mapping[str, RosterEntry], records: Sequence[TelemetryRecord], time: float
) -> Iterator[tuple[str, RosterEntry]]:
    """Each node with the last that it had said by then; those that had said nothing were not there."""
    last: dict[str, TelemetryRecord] = {
        node_id: entry.last for node_id, entry in now.items() if entry.last.at <= time
    }
    for record in records:
        known = last.get(record.node_id)
        if record.at <= time and (known is None or record.at > known.at):
            last[record.node_id] = record
    for node_id, record in last.items():
        if node_id in now:
            yield node_id, replace(now[node_id], last=record)


def _worse(one: Finding, other: Finding) -> Finding:
    def rank(finding: Finding) -> tuple[int, float]:
        return SEVERITIES.index(finding.severity), -finding.confidence

    return min(one, other, key=rank)
