"""node_flapping and node_id_conflict: a node that comes and goes, and two that write under one id."""

from collections.abc import Sequence
from itertools import combinations, pairwise

from subject.cluster import series
from subject.cluster.node import Boot, Node
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.figures import clock
from subject.finding import Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

STILL_WRITES_SECONDS = 3.0
"""Boots whose last record is older write no more."""

QUIET_SECONDS, QUIET_GAPS = 20.0, 3
"""What has not changed for so long, and for so many times the longest time between changes, is over."""


def node_flapping(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """A node that was started, or was silent while others wrote, several times in a short while."""
    return [
        finding for node in snapshot.nodes if (finding := _flapping(snapshot, thresholds, node)) is not None
    ]


def _flapping(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> Finding | None:
    boots = [
        boot.first_at
        for boot in node.boots
        if boot.began and not _is_rolled(boot, node, snapshot, thresholds)
    ]
    silent = _silences(snapshot, thresholds, node)
    since = None if _together(node) else _since(sorted([*boots, *silent]), snapshot.at, thresholds)
    if since is None:
        return None
    window = thresholds.flapping_seconds
    starts, silences = ([at for at in times if at > snapshot.at - window] for times in (boots, silent))
    changes = len(starts) + len(silences)
    return Finding(
        code="node_flapping",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{node.id} comes and goes since {clock(since)}: in {window} s it was started {len(starts)} "
            f"times, and was silent {len(silences)} times while others wrote"
        ),
        evidence=(
            Evidence("changes", thresholds.flapping_changes, changes, f"changes in {window} s"),
            Evidence("boots", None, len(starts), f"starts in {window} s"),
            Evidence("silences", None, len(silences), f"silences in {window} s"),
        ),
        confidence=confidence(changes / thresholds.flapping_changes, snapshot.at - since),
        suggested_action="subject nodes",
        verify_with="subject status",
    )


def _is_rolled(boot: Boot, node: Node, snapshot: Snapshot, thresholds: Thresholds) -> bool:
    """Whether it was started in order, and so were others: a deployment, or the cluster's own start."""
    others = [other for other in snapshot.nodes if other is not node]
    like_it = sum(
        any(
            one.began and one.in_order and abs(one.first_at - boot.first_at) <= thresholds.flapping_seconds
            for one in other.boots
        )
        for other in others
    )
    return boot.in_order and 2 * like_it >= len(others)


def _since(changed: Sequence[float], at: float, thresholds: Thresholds) -> float | None:
    """When those changes began that are still too many at `at`; None where they are not."""
    window = thresholds.flapping_seconds
    last = window + int(at - changed[0]) if changed else -1  # places are seconds, of which this is now

    def lately(place: int) -> list[float]:
        then = at - (last - place)
        return [one for one in changed if then - window < one <= then]

    def held(place: int, part: float) -> bool:
        changes, then = lately(place), at - (last - place)
        is_often = onset.enough(len(changes), thresholds.flapping_changes, part)
        return is_often and then - changes[-1] <= _quiet(changes)

    start = onset.raised(last, 0, held, thresholds.clear_ratio)
    return None if start is None else lately(start)[0]


def _quiet(changes: list[float]) -> float:
    """How long it has to stay as it is until it no longer comes and goes."""
    gaps = [later - earlier for earlier, later in pairwise(changes)]
    return max(QUIET_SECONDS, QUIET_GAPS * max(gaps, default=0.0))


def _silences(snapshot: Snapshot, thresholds: Thresholds, node: Node) -> list[float]:
    """When silences of this node ended of which so much is its own as is asked; before its first record a
    boot is no silence but a start."""
    firsts = {(boot.id, boot.first_at) for boot in node.boots}
    gaps = [
        one
        for one in node.samples
        if one.end - one.start > thresholds.node_down_seconds and (one.boot_id, one.end) not in firsts
    ]
    others = [other for other in snapshot.nodes if other is not node]
    return [
        gap.end
        for gap in gaps
        if gap.end - gap.start - _longest_hole(others, gap.start, gap.end) > thresholds.node_down_seconds
    ]


def _longest_hole(nodes: Sequence[Node], start: float, end: float) -> float:
    """The longest time between these in which none of the nodes wrote."""
    ends = (one.end for node in nodes for one in series.ending_after(node.samples, start) if one.end < end)
    return max(later - earlier for earlier, later in pairwise([start, *sorted(ends), end]))


def node_id_conflict(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Two boots whose records go on beside each other: after a restart the older one writes no more."""
    found = []
    for node in snapshot.nodes:
        writing = [boot for boot in node.boots if boot.last_at > snapshot.at - STILL_WRITES_SECONDS]
        overlaps = [_overlap(*pair) for pair in combinations(writing, 2)]
        longest = max(overlaps, default=0.0)
        if longest > thresholds.conflict_seconds:
            found.append(_conflict(snapshot, thresholds, node, writing, longest))
    return found


def _together(node: Node) -> bool:
    return any(_overlap(*pair) > 0 for pair in combinations(node.boots, 2))


def _overlap(one: Boot, other: Boot) -> float:
    return min(one.last_at, other.last_at) - max(one.first_at, other.first_at)


def _conflict(
    snapshot: Snapshot, thresholds: Thresholds, node: Node, writing: list[Boot], overlap: float
) -> Finding:
    since = sorted(boot.first_at for boot in writing)[1]
    boots = " and ".join(boot.id for boot in writing)
    return Finding(
        code="node_id_conflict",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=Target("node", node.id),
        summary=(
            f"{len(writing)} gateways write as {node.id} since {clock(since)} (boots {boots}): each hides "
            "the other's counts, and without Redis each takes the share of one"
        ),
        evidence=(
            Evidence("boots_writing", 1, len(writing), "boots"),
            Evidence("side_by_side", thresholds.conflict_seconds, round(overlap, 1), "seconds"),
        ),
        confidence=confidence(overlap / thresholds.conflict_seconds, overlap),
        suggested_action=command("curl", "-s", f"{node.admin_url}/state"),
        verify_with="subject nodes",
    )
