"""A subject before a simulated cluster: whether it finds what is wrong among very many nodes and clients.

The records are those of the nodes' own recorders, and each look is the real one, from the snapshot on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.contract.records import TelemetryRecord, decode, encode
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import take
from subject.diagnosis.problems import diagnose
from tests.model.world import MICROSECONDS
from tests.simulation.cluster import Cluster, Plan
from tests.unit.subject.builders import THRESHOLDS, policies, view

KEPT_SECONDS = 130
CLEARING_SECONDS = 30
"""After an incident what it raised may still be told for so long."""
HOT = "k_hot"


@dataclass(frozen=True)
class Incident:
    """From `begins` to `ends`, in seconds. `expected` codes are to be told of the target, others `may` be."""

    name: str
    begins: int
    ends: int
    strike: Callable[["Fleet"], None]
    heal: Callable[["Fleet"], None]
    expected: frozenset[str]
    target: str
    may: frozenset[str] = frozenset()


@dataclass
class Seen:
    """What was told in the course of an incident; seconds since its begin until each expected code was."""

    after: dict[str, int] = field(default_factory=dict)
    summary: str = ""


@dataclass
class Looks:
    """What came of all looks."""

    number: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    false_alarms: list[str] = field(default_factory=list)
    calm: int = 0
    """Looks in which nothing was wrong."""
    longest_ms: float = 0.0
    first_ms: float = 0.0
    """Of the processor: where nothing is remembered of an earlier look, records to be decoded."""
    records: int = 0
    record_bytes: int = 0
    requests: int = 0


class Fleet:
    """Nodes that publish once a second, and whoever looks."""

    def __init__(self, plan: Plan, incidents: Sequence[Incident]) -> None:
        self.cluster = Cluster(plan)
        self.looks = Looks()
        self.hot_ratio = 0.0
        """The part of the requests that is one client's."""
        self.favoured_ratio = 0.0
        """The part of the others that goes to the first node beside its due."""
        self.dead: set[int] = set()
        self._incidents = incidents
        self._records: list[TelemetryRecord] = []
        self._remembered = Remembered()
        self._policies = policies(str(plan.limit))
        cluster, random = self.cluster, self.cluster.random
        usual_client, usual_node = cluster.next_client, cluster.next_node
        cluster.next_client = lambda: HOT if random.random() < self.hot_ratio else usual_client()

        def next_node() -> int:
            if random.random() < self.favoured_ratio:
                return 0
            node = usual_node()
            while node in self.dead:
                node = usual_node()
            return node

        cluster.next_node = next_node
        for number in range(plan.nodes):
            self._at(1 + 0.9 * random.random(), self._publish, number)
        for second in range(2, int(plan.seconds)):
            self._at(second + 0.95, self._look, second)
        for incident in incidents:
            self._at(incident.begins, incident.strike, self)
            self._at(incident.ends, incident.heal, self)

    def _at(self, second: float, action: Callable[..., object], *args: object) -> None:
        self.cluster.world.at(self.cluster.begins + int(second * MICROSECONDS), action, *args)

    def kill(self, number: int) -> None:
        """A node ends without a word, and nobody sends to it any more."""
        self.dead.add(number)
        self.cluster.nodes[number].loop.kill()

    def _publish(self, number: int) -> None:
        if number not in self.dead:
            self._records.append(self.cluster.nodes[number].record())
            self.cluster.world.at(self.cluster.world.now + MICROSECONDS, self._publish, number)

    def _look(self, second: int) -> None:
        at = self._records[-1].at + 0.01
        while self._records[0].at < at - KEPT_SECONDS:
            del self._records[0]
        seen = view(self._records, at, policies=self._policies)
        began = time.process_time()
        diagnosis = diagnose(take(seen, THRESHOLDS.node_down_seconds, self._remembered), THRESHOLDS)
        self.looks.longest_ms = max(self.looks.longest_ms, 1000 * (time.process_time() - began))
        self.looks.number += 1
        told = {(one.code, one.subject.id): one.summary for one in diagnosis.findings}
        self._judge(second, told)

    def _judge(self, second: int, told: dict[tuple[str, str], str]) -> None:
        looks = self.looks
        looks.calm += not told
        now = [one for one in self._incidents if one.begins <= second < one.ends + CLEARING_SECONDS]
        allowed = {code for one in now for code in one.expected | one.may}
        looks.false_alarms += [
            f"second {second}: {summary}" for (code, _), summary in told.items() if code not in allowed
        ]
        for one in now:
            seen = looks.seen.setdefault(one.name, Seen())
            for code in one.expected:
                if (code, one.target) in told:
                    seen.after.setdefault(code, second - one.begins)
                    seen.summary = seen.summary or told[code, one.target]

    def run(self) -> Looks:
        """All of it."""
        self.cluster.run()
        looks = self.looks
        texts = [encode(one) for one in self._records]
        began = time.process_time()
        for text in texts:
            decode(TelemetryRecord, text)
        take(view(self._records, policies=self._policies), THRESHOLDS.node_down_seconds)
        looks.first_ms = 1000 * (time.process_time() - began)
        looks.records, looks.record_bytes = len(texts), max(map(len, texts))
        looks.requests = self.cluster.course.requests
        return looks


def _leave(_: Fleet) -> None:
    """Nobody brings it back."""


def incidents(plan: Plan, first: int, apart: int, lasting: int) -> list[Incident]:
    """A node that gets thrice its due beside it, a client that asks thrice its limit, and a dead node."""
    hot_ratio = 3 * plan.limit.quota / plan.limit.period_seconds / plan.requests
    begins = [first + apart * number for number in range(3)]
    return [
        Incident(
            "one node gets four times its share",
            begins[0],
            begins[0] + lasting,
            lambda fleet: setattr(fleet, "favoured_ratio", 3 / plan.nodes),
            lambda fleet: setattr(fleet, "favoured_ratio", 0.0),
            frozenset({"node_skew"}),
            "node-1",
        ),
        Incident(
            f"one client asks three times its limit, {hot_ratio:.0%} of all requests",
            begins[1],
            begins[1] + lasting,
            lambda fleet: setattr(fleet, "hot_ratio", hot_ratio),
            lambda fleet: setattr(fleet, "hot_ratio", 0.0),
            frozenset({"limit_breach"}),
            HOT,
            frozenset({"retry_storm"}),
        ),
        Incident(
            "one node dies",
            begins[2],
            begins[2] + lasting,
            lambda fleet: fleet.kill(plan.nodes - 1),
            _leave,
            frozenset({"node_down"}),
            f"node-{plan.nodes}",
        ),
    ]


def measure(plan: Plan, struck: Sequence[Incident]) -> Looks:
    """Through all incidents, until the last one ends."""
    return Fleet(replace(plan, seconds=float(struck[-1].ends)), struck).run()
