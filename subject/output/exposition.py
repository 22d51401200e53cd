"""What the subject sees as Prometheus metrics, in the text format, version 0.0.4.

No label holds anything of a client's, so that there are as many series as nodes and codes, and no more. What
cannot be seen is left out: a number of before would look like one of now.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.contract.records import Totals
from subject.cluster import metrics
from subject.cluster.node import Node, NodeState
from subject.cluster.snapshot import Snapshot
from subject.codes import CODES
from subject.diagnosis.problems import Diagnosis
from subject.finding import SEVERITIES
from subject.output.printable import printable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("admitted", "refused", "failed", "unidentified")
STATES: tuple[NodeState, ...] = ("Up", "Down", "Offline")

Labels = Mapping[str, str]
Samples = Iterable[tuple[Labels, float | None]]
Family = tuple[str, Literal["counter", "gauge"], str, Samples]
"""Name, kind, meaning, and its samples; those without a value are left out."""


@dataclass(frozen=True, slots=True)
class _Node:
    node: Node
    now: metrics.Metrics

    @property
    def labels(self) -> Labels:
        return {"node": self.node.id}


GAUGES_OF_A_NODE: tuple[tuple[str, str, Callable[[_Node], float | None]], ...] = (
    ("requests_per_second", "Over the last ten seconds.", lambda one: one.now.rate),
    ("rejection_ratio", "Part of them that was refused.", lambda one: one.now.rejection_ratio),
    ("failure_ratio", "Part of them that failed.", lambda one: one.now.failure_ratio),
    ("fallback_ratio", "Part decided without Redis.", lambda one: one.now.fallback_ratio),
    ("store_p99_seconds", "99 % of its round trips to Redis.", lambda one: _seconds(one.now.store_p99_ms)),
    ("cpu_ratio", "Processor seconds a second.", lambda one: one.now.cpu_percent / 100),
    ("in_flight", "Requests being served.", lambda one: one.node.last.in_flight),
    ("loop_lag_seconds", "The longest of its last second.", lambda one: one.node.last.loop_lag_seconds),
    ("clock_skew_seconds", "Its clock less Redis'.", lambda one: one.node.last.clock_skew_seconds),
)
"""What is told of each node that is up: name behind ``subject_node_``, meaning, value."""


def exposition(snapshot: Snapshot, diagnosis: Diagnosis) -> str:
    """All metrics of one look."""
    lines: list[str] = []
    for name, kind, meaning, samples in _families(snapshot, diagnosis):
        told = [f"{name}{_written(labels)} {value!r}" for labels, value in samples if value is not None]
        if told:
            lines += (f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *told)
    return "\n".join(lines) + "\n"


def _families(snapshot: Snapshot, diagnosis: Diagnosis) -> Iterator[Family]:
    yield from _of_the_subject(snapshot, diagnosis)
    yield from _of_redis(snapshot)
    if snapshot.sees:
        yield from _of_the_cluster(snapshot)
        yield from _of_the_nodes(snapshot)


def _of_the_subject(snapshot: Snapshot, diagnosis: Diagnosis) -> Iterator[Family]:
    severities = Counter(problem.severity for problem in diagnosis.problems)
    codes = Counter(found.code for found in diagnosis.findings)
    known = ("observer_blind",) if diagnosis.blind else CODES
    of_nodes = sorted(
        {(one.code, one.subject.id) for one in diagnosis.findings if one.subject.kind == "node"}
    )
    yield _one("subject_sees", "Whether Redis or any node answers the subject.", int(snapshot.sees))
    yield _one("subject_look_timestamp_seconds", "When it looked, by Redis' clock.", snapshot.at)
    yield (
        "subject_problems",
        "gauge",
        "Problems, each of one cause, by severity.",
        [({"severity": severity}, severities[severity]) for severity in SEVERITIES],
    )
    yield (
        "subject_findings",
        "gauge",
        "Findings by code; while the subject is blind, of the others nothing is known.",
        [({"code": code}, codes[code]) for code in sorted({*known, *codes})],
    )
    yield (
        "subject_node_findings",
        "gauge",
        "Findings about one node.",
        [({"code": code, "node": node}, 1) for code, node in of_nodes],
    )


def _of_redis(snapshot: Snapshot) -> Iterator[Family]:
    redis = snapshot.redis
    yield _one("subject_redis_connected", "Whether Redis answers the subject.", int(redis.connected))
    if not redis.connected:
        return
    trip = redis.round_trip_seconds
    yield _one("subject_redis_round_trip_seconds", "Of one command from the subject to Redis.", trip)
    yield _one("subject_redis_used_bytes", "Memory that Redis uses.", redis.used_bytes)
    yield _one("subject_redis_maximum_bytes", "Memory that it may use.", redis.maximum_bytes)


def _of_the_cluster(snapshot: Snapshot) -> Iterator[Family]:
    now = metrics.of_cluster(snapshot)
    states = Counter(node.state for node in snapshot.nodes)
    states["Down"] += len(snapshot.unread_nodes)
    yield (
        "subject_nodes",
        "gauge",
        "Nodes by state.",
        [({"state": state}, states[state]) for state in STATES],
    )
    yield _one("subject_clients", "Clients seen, an estimate.", snapshot.clients)
    yield _one("subject_requests_per_second", "Of all nodes, over the last ten seconds.", now.rate)
    yield _one("subject_rejection_ratio", "Part of them that was refused.", now.rejection_ratio)
    yield _one("subject_failure_ratio", "Part of them that failed.", now.failure_ratio)
    yield _one(
        "subject_fallback_ratio", "Part of the decisions that were made without Redis.", now.fallback_ratio
    )
    yield (
        "subject_latency_seconds",
        "gauge",
        "Of forwarded requests in the nodes, over the last ten seconds.",
        _percentiles({}, now),
    )
    yield _one(
        "subject_store_p99_seconds", "99 % of the nodes' round trips to Redis.", _seconds(now.store_p99_ms)
    )


def _of_the_nodes(snapshot: Snapshot) -> Iterator[Family]:
    nodes = [_Node(node, metrics.of_node(snapshot, node)) for node in snapshot.nodes]
    up = [one for one in nodes if one.node.is_up]
    yield (
        "subject_node_up",
        "gauge",
        "Whether a node serves, as far as can be seen.",
        [
            *((one.labels, int(one.node.is_up)) for one in nodes),
            *(({"node": node_id}, 0) for node_id in snapshot.unread_nodes),
        ],
    )
    yield (
        "subject_node_last_record_timestamp_seconds",
        "gauge",
        "When a node last told of itself, by Redis' clock.",
        [(one.labels, one.node.last.at) for one in nodes],
    )
    yield (
        "subject_node_requests_total",
        "counter",
        "Requests by outcome, of all boots of a node.",
        [sample for one in nodes for sample in _outcomes(one.labels, one.node.totals)],
    )
    for name, meaning, value in GAUGES_OF_A_NODE:
        yield f"subject_node_{name}", "gauge", meaning, [(one.labels, value(one)) for one in up]
    yield (
        "subject_node_latency_seconds",
        "gauge",
        "Of forwarded requests in a node, over the last ten seconds.",
        [sample for one in up for sample in _percentiles(one.labels, one.now)],
    )


def _one(name: str, meaning: str, value: float | None) -> Family:
    return name, "gauge", meaning, [({}, value)]


def _outcomes(labels: Labels, totals: Totals) -> Samples:
    return [({**labels, "outcome": outcome}, getattr(totals, outcome)) for outcome in OUTCOMES]


def _percentiles(labels: Labels, now: metrics.Metrics) -> Samples:
    return [
        ({**labels, "percentile": "50"}, _seconds(now.latency_p50_ms)),
        ({**labels, "percentile": "99"}, _seconds(now.latency_p99_ms)),
    ]


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _written(labels: Labels) -> str:
    """Whatever is not printable in a value is an escape already before it is one of the format's."""
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"')
