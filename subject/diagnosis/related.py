"""Whether a finding may come from another: whom they are about, when they began, and what nodes tell.

Two things may go wrong at once, so that where something can be checked, the time alone is not enough.
"""

from collections import Counter
from collections.abc import Sequence

from subject.causes.case import BUSY_PERCENT, LAG_MS, MORE
from subject.causes.nodes import TOGETHER_SECONDS
from subject.cluster import metrics, series
from subject.cluster.node import Node
from subject.cluster.samples import Sample
from subject.cluster.snapshot import Snapshot
from subject.cluster.steps import STEP_SECONDS
from subject.finding import CLUSTER, Finding

SAME_TIME_SECONDS = 10.0
"""An effect begins so long after its cause at most, where that is all that connects them; windows of
different lengths may let it seem to begin a little before."""
BEFORE_SECONDS = 3.0
FOLLOWS_SECONDS = 60.0
"""What clients and load balancers do about trouble may take so long."""
STEPS_APART_SECONDS = 1.5 * STEP_SECONDS
"""What began at the same time, before the seconds that are kept, is told by steps that lie so far apart."""
MOST = 0.8
"""The part of the refusals that shows where they come from."""


def always(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    del snapshot, cause, effect
    return True


def nodes_lack_it(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Redis is away for nodes too, and not for the subject alone."""
    del snapshot, effect
    return cause.severity == "critical"


def same_subject(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    del snapshot
    return cause.subject == effect.subject


def _later(snapshot: Snapshot, cause: Finding, effect: Finding) -> float:
    """By how much the effect began later, in seconds, as far as that is known."""
    later = effect.since - cause.since
    by_steps = max(cause.since, effect.since) < snapshot.first_second
    return 0.0 if by_steps and abs(later) <= STEPS_APART_SECONDS else later


def same_time(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    return abs(_later(snapshot, cause, effect)) <= SAME_TIME_SECONDS


def went_together(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Of nodes of which is known when they went, the first one stands for those that went with it."""
    return (
        0 <= effect.since - cause.since <= TOGETHER_SECONDS
        and (cause.since, cause.subject.id) < (effect.since, effect.subject.id)
        and {cause.subject.id, effect.subject.id} <= snapshot.node_ids
    )


def follows(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    return 0 <= _later(snapshot, cause, effect) <= FOLLOWS_SECONDS


def soon_after(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    return -BEFORE_SECONDS <= _later(snapshot, cause, effect) <= SAME_TIME_SECONDS


def overloads(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Requests that nodes hardly keep up with; else two things happen at once."""
    lags = (1000 * node.last.loop_lag_seconds for node in snapshot.up)
    used = (metrics.busy_percent(snapshot, node) for node in snapshot.up)
    short = max(lags, default=0.0) > LAG_MS or max(used, default=0.0) > BUSY_PERCENT
    return short and soon_after(snapshot, cause, effect)


def reaches_upstream(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """The service behind gets more to do only by what is admitted, and is late only after that."""
    if not 0 <= _later(snapshot, cause, effect) <= SAME_TIME_SECONDS:
        return False
    counts = snapshot.cluster_seconds(lambda sample: sample.totals.admitted)
    began = max(0, int(cause.since) - snapshot.first_second)
    return _mean(counts[began:]) > MORE * _mean(counts[:began])


def of_the_same_node(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Or of all of them."""
    return cause.subject in (effect.subject, CLUSTER) and follows(snapshot, cause, effect)


def by_many(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """One client by itself has reasons of its own."""
    return effect.subject == CLUSTER and follows(snapshot, cause, effect)


def of_a_node(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    return effect.subject.kind == "node" and same_time(snapshot, cause, effect)


def decided_alone(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Refusals that began when nodes began to give each client their own share only, and not because more
    was asked."""
    table = snapshot.policies.table
    if not (table is None or table.on_store_failure == "local"):
        return False
    client = effect.subject.id if effect.subject.kind == "client" else None

    def requests(sample: Sample) -> float:
        return sample.totals.requests if client is None else sample.requests_by_client.get(client, 0)

    counts = snapshot.cluster_seconds(requests)
    began = max(0, int(effect.since) - snapshot.first_second)
    as_before = _mean(counts[began:]) <= MORE * _mean(counts[:began])
    return as_before and soon_after(snapshot, cause, effect)


def _mean(counts: Sequence[float]) -> float:
    return sum(counts) / len(counts) if counts else 0.0


def mostly_there(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """Refusals at the nodes that enforce other limits, and hardly at the others."""
    digests = Counter(node.entry.policy_digest for node in snapshot.up)
    if len(digests) < 2:
        return False
    ((usual, _),) = digests.most_common(1)
    if cause.subject.kind == "node":
        apart = [node for node in snapshot.up if node.id == cause.subject.id]
    else:
        apart = [node for node in snapshot.up if node.entry.policy_digest != usual]

    def refused(nodes: Sequence[Node]) -> float:
        if effect.subject.kind == "client":
            refusals = snapshot.lately_by_client(series.refusals_of_clients, nodes)
            return refusals.get(effect.subject.id, 0.0)
        return snapshot.lately(lambda sample: sample.totals.refused, nodes)

    return effect.since >= cause.since - BEFORE_SECONDS and refused(apart) > MOST * refused(snapshot.up) > 0


def comes_in_there(snapshot: Snapshot, cause: Finding, effect: Finding) -> bool:
    """A client without which the node would serve about as much as the others."""

    def rest(nodes: Sequence[Node]) -> float:
        own = snapshot.lately_by_client(series.requests_of_clients, nodes).get(cause.subject.id, 0.0)
        return max(0.0, snapshot.lately(series.requests, nodes) - own)

    busiest = [node for node in snapshot.up if node.id == effect.subject.id]
    if cause.subject.kind != "client":
        return False
    return bool(busiest) and rest(busiest) <= MORE * rest(snapshot.up) / len(snapshot.up)
