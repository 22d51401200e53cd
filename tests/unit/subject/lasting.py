"""What a subject that has just been started makes of a cluster that has been running for long."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.contract.records import HISTORY_STREAM, TelemetryRecord, for_history
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.steps import Steps
from subject.cluster.view import View
from tests.unit.subject.builders import START, THRESHOLDS, view

KEPT_SECONDS = THRESHOLDS.baseline_seconds + 10


def look(records: Iterable[TelemetryRecord], second: float) -> View:
    """What it reads: of the last minutes each record, and each tenth of the quarter of an hour before."""
    at = START + second
    past = sorted((one for one in records if one.at <= at), key=lambda one: one.at)
    first = at - THRESHOLDS.history_seconds - KEPT_SECONDS
    steps = Steps()
    steps.add(for_history(one) for one in past if HISTORY_STREAM.includes(one.sequence) and one.at > first)
    late = view([one for one in past if one.at >= at - KEPT_SECONDS], at)
    return replace(late, roster=view(past, at).roster, steps=steps.kept(first, at))


def seen(records: Iterable[TelemetryRecord], second: float) -> Snapshot:
    """The snapshot of that."""
    return take(look(records, second), THRESHOLDS.node_down_seconds)
