"""cardinality_attack: clients that nobody has seen come in numbers, and each has a quota of its own."""

from statistics import median

from gateway.contract import distinct
from subject.detectors import onset
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, clock, confidence, number, percent
from subject.series import Sample
from subject.snapshot import Node, Snapshot

AGREEING = 0.3
"""Of the digests that the sketches should have more if all new clients are new to the cluster."""
ENOUGH = distinct.SIZE // 4
"""So many more agree in any case: a sketch has no room for more than 64."""


def cardinality_attack(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """New to the cluster, not only to a node: that is what the merged sketches tell."""
    window, last = thresholds.cardinality_seconds, snapshot.until - snapshot.first_second - 1
    new = snapshot.cluster_seconds(lambda sample: sample.new_clients)
    requests = snapshot.cluster_seconds(lambda sample: sample.totals.requests)

    def usual(before: int) -> float | None:
        past = [new[place] for place in range(before) if requests[place] > 0]
        past = past[-thresholds.baseline_seconds :]
        return median(past) if len(past) >= thresholds.baseline_min_seconds else None

    def least(before: int) -> float | None:
        known = usual(before)
        return (
            None if known is None else max(thresholds.cardinality_rate, thresholds.cardinality_ratio * known)
        )

    def held(place: int) -> bool:
        seconds = slice(max(0, place + 1 - window), place + 1)
        bound = least(seconds.start)
        if bound is None:
            return False
        count = sum(new[seconds])
        return count > bound * window and count >= thresholds.cardinality_share * sum(requests[seconds])

    if last + 1 < window or not held(last):
        return []
    bound = least(max(0, last + 1 - window)) or 0.0
    began = onset.since(last, 0, held, lambda place: new[place] > bound, window)
    since = snapshot.first_second + began
    count = sum(new[began:])
    if not _are_new_to_the_cluster(snapshot, since, count):
        return []
    seconds = slice(max(began, last + 1 - window), last + 1)
    rate = sum(new[seconds]) / (seconds.stop - seconds.start)
    share = min(1.0, sum(new[seconds]) / max(1.0, sum(requests[seconds])))
    known = usual(began) or 0.0
    return [_finding(snapshot, thresholds, since, rate, share, known, bound)]


def _are_new_to_the_cluster(snapshot: Snapshot, since: float, count: float) -> bool:
    """Of N new clients, those whose digest is below the largest of a sketch show in it. A client that was
    known to another node, or to this node's last boot, shows in that one's sketch from before."""
    before = distinct.merge(sketch for node in snapshot.nodes for sketch in _sketches(node, until=since))
    now = distinct.merge(sketch for node in snapshot.nodes for sketch in _sketches(node))
    if len(before) < distinct.SIZE:
        more, part = len(set(now) - set(before)), 1.0
    else:
        more = sum(entry < before[-1] for entry in set(now) - set(before))
        part = distinct.SIZE / max(distinct.estimate(before), distinct.SIZE)
    # A client that uses all nodes is new to each of them.
    expected = count / max(1, len(snapshot.up)) * part
    return more >= max(1.0, min(ENOUGH, AGREEING * expected))


def _sketches(node: Node, until: float | None = None) -> list[tuple[str, ...]]:
    """The last one of each of its boots, of those before `until`."""
    last: dict[str, Sample] = {}
    for sample in node.samples:
        if until is None or sample.end <= until:
            last[sample.boot_id] = sample
    return [sample.clients for sample in last.values()]


def _finding(
    snapshot: Snapshot,
    thresholds: Thresholds,
    since: int,
    rate: float,
    share: float,
    usual: float,
    bound: float,
) -> Finding:
    table = snapshot.policies.table
    default = "the default limit" if table is None else f"the default limit of {table.default}"
    return Finding(
        code="cardinality_attack",
        severity="warning",
        since=since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"{number(rate)} clients a second are new since {clock(since)} (usual: {number(usual)}), "
            f"{percent(share)} of all requests: each new key has {default} to itself"
        ),
        evidence=(
            Evidence("new_clients", round(usual, 2), round(rate, 2), "clients/s"),
            Evidence("new_clients_allowed", None, round(bound, 2), "clients/s"),
            Evidence("share_of_requests", thresholds.cardinality_share, round(share, 3), "ratio"),
            Evidence("clients_seen", None, snapshot.clients, "clients"),
        ),
        confidence=confidence(rate / bound, snapshot.until - since),
        likely_cause=(
            "somebody makes up keys to get round the limit: GATEWAY_ADDRESS_LIMIT bounds what one address "
            "gets over all unknown keys, and GATEWAY_UNKNOWN_KEYS=reject refuses them; or many new users came"
        ),
        suggested_action="gateway --check",
        verify_with="subject status",
    )
