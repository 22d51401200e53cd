"""Redis' clock may be set: what nodes told before is put at the times that it has by the time that is now.

Each record says when its boot began by Redis' clock, and a node's own, which nobody sets, tells how long ago
that was. Where the beginning jumps between the records of a boot, it was the clock that did.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.contract.records import TelemetryRecord

JUMP_SECONDS = 1.0
"""By so much the time of a boot's start may change between two records; by more if Redis' clock was set."""
MARGIN_SECONDS = 10
"""Of so long before the seconds that are judged records are kept too: a sample needs the one before it."""
AHEAD_SECONDS, LATEST_SECONDS = 10.0, 3600.0
"""What was told for later than so long after now is of before Redis' clock was put back: where Redis says
what is now, and where nodes do, which may not agree."""


def in_present_time(records: Sequence[TelemetryRecord]) -> list[TelemetryRecord]:
    """The same records, which come as they were told, as if Redis' clock had always been as it was last.

    Earlier boots of a node, which have ended by then, move with its next one.
    """
    last: dict[tuple[str, str], TelemetryRecord] = {}
    for record in records:
        boot = record.node_id, record.boot_id
        known = last.get(boot)
        if known is None or place(known) <= place(record):
            last[boot] = record
    moved: dict[str, float] = {}  # the next record of the node
    starts: dict[tuple[str, str], float] = {}
    found = []
    for record in reversed(records):
        boot = record.node_id, record.boot_id
        if boot not in starts:
            starts[boot] = last[boot].started_at + moved.get(record.node_id, 0.0)
        by = starts[boot] - record.started_at
        by = by if abs(by) > JUMP_SECONDS else 0.0
        moved[record.node_id] = by
        found.append(replace(record, at=record.at + by, started_at=record.started_at + by) if by else record)
    return found[::-1]


def kept(
    records: Sequence[TelemetryRecord], at: float, baseline_seconds: int, *, by_redis: bool
) -> list[TelemetryRecord]:
    """The records that a look at `at` judges by, in present time. They come as they were told.

    `by_redis`: it was Redis that said what time it is.
    """
    ahead_seconds = AHEAD_SECONDS if by_redis else LATEST_SECONDS
    found = in_present_time(records)
    return [one for one in found if -ahead_seconds <= at - one.at <= baseline_seconds + MARGIN_SECONDS]


def place(record: TelemetryRecord) -> tuple[int, float]:
    """Of a record among those of its boot, whatever Redis' clock says: by its number, then by its age."""
    return record.sequence, record.at - record.started_at
