"""What a run comes to, by the books that senders, nodes, subject and upstream kept of it."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.contract.client_id import key_digest
from gateway.contract.records import Totals
from loadtest import early_refusals, limit_changes, upstream_log
from loadtest.cluster import Cluster
from loadtest.counts import Counted, Counts
from loadtest.limit_changes import LimitChange
from loadtest.passages import Passage
from loadtest.polling import until
from loadtest.scenarios import Scenario, Setting
from loadtest.scenarios.uncertain import uncertain_nodes
from loadtest.stage import Stage
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Outcome, Verdict

SETTLE_SECONDS = 8.0
"""Nodes publish each second and the upstream's log is written each tenth: all is there by then."""

LOG_TICK_SECONDS = 0.2
MOST_DROPPED_RATIO = 0.01
"""Of the requests sent; what is put on the cluster must be what the subject's findings are held against."""


async def closed(
    setting: Setting,
    stage: Stage,
    subject: Subject,
    played: Sequence[Scenario],
    outcomes: Sequence[Outcome],
    changes: Sequence[LimitChange] = (),
) -> Verdict:
    """End the load, and hold the books against each other; `changes` are those of limits meanwhile.

    Raises:
        StartError: the load generator had ended by itself, or left no counts.
    """
    counted = await stage.load.stop()
    uncertain = uncertain_nodes(played)
    certain = {node_id: counts for node_id, counts in counted.nodes.items() if node_id not in uncertain}
    differences = await _differences(subject, certain)
    requests = sum(node.as_totals().requests for node in certain.values())
    passages = await _passages(stage.cluster, counted)
    limits = {key_digest(client.key): setting.limit_of(client) for client in setting.clients}
    digests = {client.id: key_digest(client.key) for client in setting.clients}
    changes_by_key = limit_changes.by_key(digests, changes)
    refused = sum(node.refused for node in counted.nodes.values())
    early = early_refusals.refused_early(passages, limit_changes.lowest(limits, changes_by_key), refused)
    return Verdict(
        outcomes=tuple(outcomes),
        busiest=limit_changes.busiest(passages, limits, changes_by_key),
        counted=None if differences else requests,
        problems=(
            *early,
            *_died(stage.cluster),
            *_not_logged(passages, counted),
            *not_sent(counted),
            *unanswered(certain),
            *differences,
        ),
    )


async def _passages(running: Cluster, counted: Counted) -> list[Passage]:
    """What the upstream's log has, once all that was admitted is in it: limits are judged by that."""
    admitted = _admitted(counted)
    log = running.upstream_log
    await until(lambda: len(_lines(log)) >= admitted, SETTLE_SECONDS, LOG_TICK_SECONDS)
    return list(upstream_log.passages(_lines(log)))


def _admitted(counted: Counted) -> int:
    return sum(node.admitted for node in counted.nodes.values())


def _not_logged(passages: Sequence[Passage], counted: Counted) -> list[str]:
    """That limits are judged by less than there was, if they are."""
    missing = _admitted(counted) - len(passages)
    return [f"{missing:,} requests that got through are not in the upstream's log"] if missing > 0 else []


def _lines(log: Path) -> list[str]:
    """All lines that are complete."""
    return [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _died(running: Cluster) -> list[str]:
    return [
        f"{node.id} ended by itself: {node.child.last_words()}"
        for node in running.nodes
        if node.child.has_ended()
    ]


def not_sent(counted: Counted) -> list[str]:
    """That the load was less than it should have been, if it was."""
    if counted.dropped <= MOST_DROPPED_RATIO * counted.sent:
        return []
    return [
        f"the generator sent {counted.sent:,} requests and dropped {counted.dropped:,} that were due, since "
        "all its connections waited for answers: the load was not as drawn"
    ]


def unanswered(nodes: Mapping[str, Counts]) -> list[str]:
    """Nodes that did not serve."""
    return [
        f"{node_id}: {node.failed} requests failed, {node.unanswered} got no answer"
        for node_id, node in nodes.items()
        if node.failed or node.unanswered
    ]


async def _differences(subject: Subject, nodes: Mapping[str, Counts]) -> list[str]:
    """Hold the nodes' own counts, as the subject shows them, against what the senders saw."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            differences = _differing(await subject.node_totals(), nodes)
        except SubjectError as error:
            return [str(error)]
        if not differences or time.monotonic() > end:
            return differences


def _differing(totals: Mapping[str, Totals], nodes: Mapping[str, Counts]) -> list[str]:
    return [
        f"{node_id}: the senders saw {seen}, the subject says {totals.get(node_id)}"
        for node_id, seen in nodes.items()
        if totals.get(node_id) != seen.as_totals()
    ]
