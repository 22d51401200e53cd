"""Snapshots of minutes ago, of what nodes had written until then."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.contract.records import RosterEntry, TelemetryRecord
from subject.cluster import samples
from subject.cluster.present_time import MARGIN_SECONDS
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.thresholds import Thresholds

TOGETHER_SECONDS = 1.0
"""Nodes publish at different moments of a second: where all stop at once, some write so much longer."""


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
