"""A cluster as its records tell of it: each request has a client, a node and a latency, drawn from a seed.

What a node lists of its clients comes from the gateway's own `ClientActivity`; all else is counted here.
Rates beyond some thousands a second want `builders.NodeScript`, which counts whole seconds.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from gateway.contract.records import Reloads, StoreStatus, TelemetryRecord, Totals, UpstreamTotals
from gateway.contract.sketches import bucket, histogram_from_counts
from gateway.telemetry.clients import ClientActivity
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from tests.unit.subject.builders import SAME, START, THRESHOLDS, record, view

KEPT_SECONDS = 130
"""The records that a subject keeps."""
STALL = 1 / 20_000
"""The part of decisions that a stall of the machine makes late."""


@dataclass
class Gateway:
    """One boot of a node."""

    node_id: str
    phase: float
    boot: int = 1
    known: Sequence[str] = ()
    workers: bool = False
    activity: ClientActivity = field(default_factory=ClientActivity)
    sequence: int = 0
    started_at: float = START - 1000.0
    requests: int = 0
    fallbacks: int = 0
    waiting: int = 0  # requests of which the speaker has not been told
    digest: str = SAME
    reloads: Reloads = field(default_factory=Reloads)
    trips: dict[int, int] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.boot == 1:  # it runs for long already
            self.sequence = 1000
        self.activity.add(dict.fromkeys(self.known, 1), {})

    def serve(self, client: str, generator: random.Random) -> None:
        """One request, decided by Redis and answered."""
        self.activity.count(client, refused=False)
        self.requests += 1
        late = generator.random() < STALL
        self.fallbacks += late
        _add(self.trips, 0.04 if late else 0.0008 * generator.lognormvariate(0, 0.6))
        _add(self.answers, 0.02 * generator.lognormvariate(0, 0.7))

    def publish(self, at: float, generator: random.Random, leaving: bool = False) -> TelemetryRecord:
        """Its second is over. Workers tell the one who speaks for them when their own second is."""
        self.sequence += 1
        self.activity.tick()
        waiting = int(generator.uniform(0, 0.5) * self.last_second) if self.workers and not leaving else 0
        told = self.requests - waiting
        self._told = told
        return record(
            self.node_id,
            at,
            boot_id=f"boot-{self.boot}",
            sequence=self.sequence,
            started_at=self.started_at,
            leaving=leaving,
            boot=Totals(told, told),
            upstream=UpstreamTotals(told),
            store=StoreStatus(True, told - self.fallbacks, self.fallbacks, evicted=0),
            latency=histogram_from_counts(self.answers),
            upstream_latency=histogram_from_counts(self.answers),
            store_latency=histogram_from_counts(self.trips),
            clients=self.activity.sketch,
            new_clients=self.activity.new,
            cpu_seconds=0.0003 * told,
            clock_skew_seconds=generator.gauss(0, 0.02),
            busiest=self.activity.busiest,
            most_refused=self.activity.most_refused,
            reloads=self.reloads,
        )

    _told: int = 0

    @property
    def last_second(self) -> int:
        """Requests that no record has told of."""
        return self.requests - self._told


def _add(histogram: dict[int, int], seconds: float) -> None:
    number = bucket(seconds)
    histogram[number] = histogram.get(number, 0) + 1


@dataclass
class Life:
    """What happens in a cluster. `rate` is requests a second, `weights` how the load balancer shares them."""

    rate: Callable[[int], float]
    clients: Sequence[str] = tuple(f"client-{number}" for number in range(60))
    popularity: float = 0.8  # the exponent of Zipf's law
    weights: Sequence[float] = (1.0, 1.0, 1.0)
    random_arrivals: bool = True
    burst: float = 1.0  # requests that a client sends at once, on the average
    known: Sequence[str] = ()
    workers: bool = False
    restarts: dict[int, int] = field(default_factory=dict)  # second to position of the node that leaves
    deploys: dict[int, int] = field(default_factory=dict)  # second to position of the node that reloads
    away_seconds: int = 4
    unseen_seconds: int = 3  # after its start, until the load balancer sends to it

    def looks(self, seconds: int, seed: int) -> Iterator[Snapshot]:
        """What a subject sees at the end of each second."""
        remembered = Remembered()
        for at, records, digests in self.telemetry(seconds, seed):
            yield take(view(records, at, digests=digests), THRESHOLDS.node_down_seconds, remembered)

    def telemetry(
        self, seconds: int, seed: int
    ) -> Iterator[tuple[float, Sequence[TelemetryRecord], Mapping[str, str]]]:
        """The same as it is read: when, the records of the last minutes, and the nodes' policy digests."""
        generator = random.Random(seed)
        count = len(self.weights)
        nodes = {
            place: Gateway(
                f"node-{place + 1}", generator.uniform(0, 0.8), known=self.known, workers=self.workers
            )
            for place in range(count)
        }
        phases = {place: node.phase for place, node in nodes.items()}
        ready_at = dict.fromkeys(range(count), 0)
        starts: dict[int, list[int]] = {}
        records: deque[TelemetryRecord] = deque()
        digests = dict.fromkeys((node.node_id for node in nodes.values()), SAME)
        popular = list(accumulate(1 / (rank + 1) ** self.popularity for rank in range(len(self.clients))))
        boots = dict.fromkeys(range(count), 1)
        for second in range(seconds):
            for place in starts.pop(second, []):
                boots[place] += 1
                nodes[place] = Gateway(
                    f"node-{place + 1}",
                    phases[place],
                    boots[place],
                    workers=self.workers,
                    started_at=START + second + phases[place],
                    digest=digests[f"node-{place + 1}"],
                )
                ready_at[place] = second + self.unseen_seconds
            if second in self.restarts:
                place = self.restarts[second]
                records.append(nodes.pop(place).publish(START + second + 0.95, generator, leaving=True))
                starts.setdefault(second + self.away_seconds, []).append(place)
            if second in self.deploys:
                node = nodes[self.deploys[second]]
                node.digest = digests[node.node_id] = "1" * 16
                node.reloads = Reloads(1, at=START + second + 0.5)
            serving = [place for place in nodes if second >= ready_at[place]]
            self._serve(second, nodes, serving, popular, generator)
            told = [
                node.publish(START + second + 1 + node.phase + generator.uniform(0, 0.05), generator)
                for node in nodes.values()
            ]
            records.extend(sorted(told, key=lambda one: one.at))
            while records[0].at < START + second - KEPT_SECONDS:
                records.popleft()
            yield START + second + 1.9, records, digests

    def _serve(
        self,
        second: int,
        nodes: dict[int, Gateway],
        serving: Sequence[int],
        popular: Sequence[float],
        generator: random.Random,
    ) -> None:
        rate = self.rate(second) / self.burst
        bursts = (
            _poisson(generator, rate)
            if self.random_arrivals
            else int(rate * (second + 1)) - int(rate * second)
        )
        for client in generator.choices(self.clients, cum_weights=popular, k=bursts):
            at_once = 1 if self.burst == 1 else 1 + int(generator.expovariate(1 / max(self.burst - 0.5, 0.1)))
            weights = [self.weights[place] for place in serving]
            for place in generator.choices(serving, weights, k=at_once):
                nodes[place].serve(client, generator)


def _poisson(generator: random.Random, rate: float) -> int:
    """Arrivals in a second, by the times between them."""
    count, at = 0, generator.expovariate(rate) if rate else 2.0
    while at < 1:
        count += 1
        at += generator.expovariate(rate)
    return count
