"""cardinality_attack: clients that nobody has seen come in numbers, and each has a quota of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gateway.contract import sketches
from subject.cluster.node import Node
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS, Step
from subject.detectors import onset
from subject.detectors.opening import opening
from subject.detectors.usual import Usual
from subject.figures import clock, number, percent
from subject.finding import CLUSTER, Evidence, Finding, confidence
from subject.thresholds import Thresholds

AGREEING = 0.3
"""Of the digests that the sketches should have more if all new clients are new to the cluster."""
ENOUGH = sketches.SKETCH_SIZE // 4
"""So many more agree in any case: a sketch has no room for more than 64."""


@dataclass(frozen=True, slots=True)
class _Second:
    """The window up to one second beside what was usual before it; rates are per second."""

    usual: float
    bound: float  # of newcomers
    attack: bool


def cardinality_attack(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """New to the cluster, not only to a node: that is what the merged sketches tell."""
    new = snapshot.cluster_seconds(lambda sample: sample.new_clients)
    before = opening(snapshot, thresholds, _run_of_steps)
    taught = [] if before is None else before.taught(lambda step: step.new_clients)
    judged = _judge(new, snapshot.requests, thresholds, taught)
    last = len(judged) - 1
    if last < 0 or not judged[last].attack:
        return []
    start = onset.run(last, lambda place: judged[place].attack)
    now, window = judged[start], thresholds.cardinality_seconds
    began = onset.run(start, lambda place: new[place] > now.bound, max(0, start - window + 1))
    since = snapshot.first_second + began
    if before is not None and since <= before.latest:
        since = before.began(since, snapshot.first_second + window)
    if not _are_new_to_the_cluster(snapshot, since, sum(new[began:])):
        return []
    seconds = slice(max(began, last + 1 - window), last + 1)
    rate = sum(new[seconds]) / (seconds.stop - seconds.start)
    share = min(1.0, sum(new[seconds]) / max(1.0, sum(snapshot.requests[seconds])))
    return [_finding(snapshot, thresholds, since=since, rate=rate, share=share, found=now)]


def _judge(
    new: Sequence[float], requests: Sequence[float], thresholds: Thresholds, taught: Sequence[float] = ()
) -> list[_Second]:
    """The usual is the median of the seconds with traffic that lie before the window and in no attack.

    Where the seconds begin in an attack, `taught` are those of before it, and stand for those that they lack.
    """
    known = Usual(inf)
    for second, count in enumerate(taught):
        known.learn(second, count)
    window = thresholds.cardinality_seconds
    new_in, requests_in = onset.Sums(new, window), onset.Sums(requests, window)
    past = Usual(thresholds.baseline_seconds)
    judged: list[_Second] = []
    for place in range(len(new)):
        before = place - window
        if before >= 0 and requests[before] > 0 and not any(one.attack for one in judged[before:]):
            past.learn(before, new[before])
        past.forget(place)
        lacks = len(past) < thresholds.baseline_min_seconds
        of = known if lacks and taught else past
        usual = of.median
        bound = max(thresholds.cardinality_rate, thresholds.cardinality_ratio * usual)
        goes_on = judged[-1].attack if judged else bool(taught)
        part = thresholds.clear_ratio if goes_on else 1.0
        attack = (
            len(of) >= thresholds.baseline_min_seconds
            and new_in(place) > part * bound * window
            and new_in(place) >= part * thresholds.cardinality_share * requests_in(place)
        )
        judged.append(_Second(usual, bound, attack))
    return judged


def _run_of_steps(steps: Sequence[Step], thresholds: Thresholds) -> tuple[int, Sequence[int]] | None:
    new = [step.new_clients / STEP_SECONDS for step in steps]
    judged = _judge(new, [step.requests / STEP_SECONDS for step in steps], thresholds)
    if not judged[-1].attack:
        return None
    began = onset.run(len(judged) - 1, lambda place: judged[place].attack)
    return began, [place for place in range(began) if steps[place].requests > 0 and not judged[place].attack]


def _are_new_to_the_cluster(snapshot: Snapshot, since: float, count: float) -> bool:
    """Of N new clients, those whose digest is below the largest of a sketch show in it. A client that was
    known to another node, or to this node's last boot, shows in that one's sketch from before."""
    before = sketches.merge_sketches(
        sketch for node in snapshot.nodes for sketch in _sketches(node, until=since)
    )
    now = sketches.merge_sketches(sketch for node in snapshot.nodes for sketch in _sketches(node))
    if len(before) < sketches.SKETCH_SIZE:
        more, part = len(set(now) - set(before)), 1.0
    else:
        more = sum(entry < before[-1] for entry in set(now) - set(before))
        part = sketches.SKETCH_SIZE / max(sketches.estimate_clients(before), sketches.SKETCH_SIZE)
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
    *,
    since: int,
    rate: float,
    share: float,
    found: _Second,
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
            f"{number(rate)} clients a second are new since {clock(since)} (usual: {number(found.usual)}), "
            f"{percent(share)} of all requests: each new key has {default} to itself"
        ),
        evidence=(
            Evidence("new_clients", round(found.usual, 2), round(rate, 2), "clients/s"),
            Evidence("new_clients_allowed", None, round(found.bound, 2), "clients/s"),
            Evidence("share_of_requests", thresholds.cardinality_share, round(share, 3), "ratio"),
            Evidence("clients_seen", None, snapshot.clients, "clients"),
        ),
        confidence=confidence(rate / found.bound, snapshot.until - since),
        suggested_action="subject limits",
        verify_with="subject status",
    )
