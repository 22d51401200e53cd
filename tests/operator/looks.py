"""What a look is made of: each detector, and what goes before them, calm and in three incidents.

Times are of the processor, the best of several.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.table import Table

from gateway.contract.records import TelemetryRecord, encode
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.detectors import ALL
from subject.diagnosis.problems import diagnose
from subject.telemetry.records import decode
from tests.finding import Finding, Findings
from tests.unit.subject.builders import START, THRESHOLDS, policies, view
from tests.unit.subject.simulation import KEPT_SECONDS, Life

MOST_DETECTORS_MS = 500
MOST_LOOK_MS = 1000
REQUESTS_PER_NODE = 40
INCIDENT_SECONDS = 60

Change = Callable[[TelemetryRecord, float], TelemetryRecord]


def calm(one: TelemetryRecord, age: float) -> TelemetryRecord:
    """As it was."""
    del age
    return one


def without_redis(one: TelemetryRecord, age: float) -> TelemetryRecord:
    """All nodes decide alone since the incident began, `age` seconds ago."""
    before = min(1.0, (one.at - START) / max(1.0, one.at - START + age))
    decided = int(one.boot.requests * before)
    fallbacks = one.boot.requests - decided if age > 0 else 0
    return replace(
        one, store=replace(one.store, decisions=one.boot.requests - fallbacks, fallbacks=fallbacks)
    )


def refused(one: TelemetryRecord, age: float) -> TelemetryRecord:
    """Nearly all of it is refused."""
    del age
    return replace(
        one, boot=replace(one.boot, admitted=0, refused=one.boot.requests), most_refused=one.busiest
    )


def one_node(one: TelemetryRecord, age: float) -> TelemetryRecord:
    """The first node serves as much as all others since the incident began."""
    if age <= 0 or one.node_id != "node-1":
        return one
    more = int(age * REQUESTS_PER_NODE * 30)
    return replace(
        one, boot=replace(one.boot, requests=one.boot.requests + more, admitted=one.boot.admitted + more)
    )


LOOKS: dict[str, Change] = {
    "calm": calm,
    "no Redis": without_redis,
    "all refused": refused,
    "one node": one_node,
}


@dataclass(frozen=True)
class Cost:
    """Seconds of one look, by what they went into, and what was found."""

    parts: dict[str, float]
    found: int

    @property
    def detectors(self) -> float:
        return sum(self.parts[detector.__name__] for detector in ALL)

    @property
    def look(self) -> float:
        return self.parts["decode the records"] + self.parts["make the snapshot"] + self.detectors


def build(nodes: int, clients: int) -> View:
    """The records of a cluster that has been watched for as long as is kept."""
    names = tuple(f"client-{number}" for number in range(clients))
    life = Life(lambda _: REQUESTS_PER_NODE * nodes, clients=names, known=names, weights=(1.0,) * nodes)
    *_, (at, records, _) = life.telemetry(KEPT_SECONDS, seed=1)
    return view(list(records), at, policies=policies("6000/m"))


def changed(original: View, change: Change) -> View:
    began = original.at - INCIDENT_SECONDS
    return replace(original, records=tuple(change(one, one.at - began) for one in original.records))


def measure(of: View, rounds: int) -> Cost:
    """Each part the best of several rounds; a snapshot remembers, so that each round has a new one."""
    texts = [encode(one) for one in of.records]
    parts: dict[str, float] = {}

    def note(name: str, started: float) -> None:
        spent = time.process_time() - started
        parts[name] = min(spent, parts.get(name, spent))

    for _ in range(rounds):
        started = time.process_time()
        for text in texts:
            decode(TelemetryRecord, text)
        note("decode the records", started)
        started = time.process_time()
        snapshot = take(of, THRESHOLDS.node_down_seconds)
        note("make the snapshot", started)
        remembered = Remembered()
        before = replace(of, records=tuple(one for one in of.records if one.at < of.at - 1))
        take(before, THRESHOLDS.node_down_seconds, remembered)
        started = time.process_time()
        take(of, THRESHOLDS.node_down_seconds, remembered)
        note("make the next one", started)
        _detectors(snapshot, note)
    return Cost(parts, len(diagnose(snapshot, THRESHOLDS).findings))


def _detectors(snapshot: Snapshot, note: Callable[[str, float], None]) -> None:
    for detector in ALL:
        started = time.process_time()
        detector(snapshot, THRESHOLDS)
        note(detector.__name__, started)


def table(costs: dict[str, Cost]) -> Table:
    """Milliseconds by part and look."""
    shown = Table("milliseconds", *costs)
    rows: dict[str, Callable[[Cost], float]] = {
        part: (lambda cost, part=part: cost.parts[part])  # type: ignore[misc]  # a default binds the name
        for part in next(iter(costs.values())).parts
    }
    rows |= {"all detectors": lambda cost: cost.detectors, "the whole look": lambda cost: cost.look}
    for name, value in rows.items():
        shown.add_row(name, *(f"{1000 * value(cost):,.1f}" for cost in costs.values()))
    shown.add_row("findings", *(str(cost.found) for cost in costs.values()))
    return shown


def findings(costs: dict[str, Cost]) -> Findings:
    """The dearest look of them."""
    detectors = max(costs, key=lambda name: costs[name].detectors)
    look = max(costs, key=lambda name: costs[name].look)
    return [
        Finding(
            f"all detectors, of the processor ({detectors})",
            1000 * costs[detectors].detectors,
            MOST_DETECTORS_MS,
            " ms",
        ),
        Finding(
            f"a first look after it is read, of the processor ({look})",
            1000 * costs[look].look,
            MOST_LOOK_MS,
            " ms",
        ),
    ]
