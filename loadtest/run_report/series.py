"""A run over time, from the looks of its subject: each node's figures, and when each finding was there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gateway.contract.records import Totals
from loadtest.subject_commands import Finding, Identity, NodeFigures
from loadtest.verdict import Asked


@dataclass(frozen=True, slots=True)
class Point:
    """A node from one record to the next: rates by its own counters, latencies as the subject has them."""

    at: float  # seconds since 1970
    requests_per_second: float
    refused_per_second: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A finding from the first look that had it to the first that did not (or the last of all)."""

    finding: Finding
    began_at: float
    ended_at: float


def points(reports: Sequence[Asked]) -> dict[str, list[Point]]:
    """By node, one for each record that it published and a look saw."""
    looks: dict[str, list[tuple[NodeFigures, Totals, float, float]]] = {}
    for asked in reports:
        for node in asked.report.nodes:
            seen = looks.setdefault(node.id, [])
            if node.totals is None or node.last_seen is None:
                continue
            at = node.last_seen + asked.clock_offset
            if not seen or node.last_seen > seen[-1][3]:
                seen.append((node, node.totals, at, node.last_seen))
    return {
        node_id: [
            Point(
                at,
                _rate(now.requests - before.requests, seen_at - seen_before),
                _rate(now.refused - before.refused, seen_at - seen_before),
                node.latency_p50_ms,
                node.latency_p99_ms,
            )
            for (_, before, _, seen_before), (node, now, at, seen_at) in pairwise(seen)
        ]
        for node_id, seen in sorted(looks.items())
    }


def _rate(more: int, seconds: float) -> float:
    """Where Redis lost what it knew, counts may begin anew."""
    return round(max(0, more) / seconds, 3)


def spans(reports: Sequence[Asked]) -> list[Span]:
    """All findings that there were, in the order in which they began."""
    open_spans: dict[Identity, Span] = {}
    found: list[Span] = []
    for asked in reports:
        now = {finding.identity: finding for finding in asked.report.findings}
        for identity in [identity for identity in open_spans if identity not in now]:
            found.append(replace(open_spans.pop(identity), ended_at=asked.at))
        for identity, finding in now.items():
            span = open_spans.setdefault(identity, Span(finding, asked.at, asked.at))
            open_spans[identity] = replace(span, ended_at=asked.at)
    return sorted([*found, *open_spans.values()], key=lambda span: span.began_at)
