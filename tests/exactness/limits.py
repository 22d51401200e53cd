"""Promises 1 and 2, measured: what the nodes let through, held against the limit and against an oracle."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from loadtest.cluster import Cluster
from tests.exactness import oracle
from tests.exactness.policies import Client
from tests.exactness.schedule import Shot, poisson, together
from tests.exactness.volley import Answer, fire, note_arrivals

ADMITTED_RATIO = 0.95
"""Of what the oracle could admit. The counters' margin costs 2 to 4 % (`gateway/contract/window.py`)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A client that asks for `factor` times what it may, at random times, through all nodes."""

    client: Client
    factor: float

    @property
    def per_second(self) -> float:
        """Requests, on average."""
        return self.factor * self.client.per_second

    def shots(self, seconds: float, nodes: int, seed: int) -> list[Shot]:
        """Its requests: the same ones for the same seed."""
        random = Random(f"{seed} {self.client.name}")
        return poisson(self.client.name, self.per_second, seconds, range(nodes), random)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one client's demand. `fullest` and `fullest_at_upstream` have one entry a window."""

    demand: Demand
    sent: int
    sent_per_second: float
    statuses: Counter[int]
    admitted: int
    admissible: int
    fullest: tuple[int, ...]
    fullest_at_upstream: tuple[int, ...]
    transit_seconds: tuple[float, ...] = field(repr=False)

    @property
    def admitted_ratio(self) -> float:
        """Of what the best of all limiters would have admitted."""
        return self.admitted / self.admissible

    @property
    def achieved_factor(self) -> float:
        """How many times its limit the client really asked for; less where the machine is slow."""
        return self.sent_per_second / self.demand.client.per_second

    @property
    def failures(self) -> list[str]:
        """What is not as promised, a sentence each."""
        name = f"{self.demand.client.limit} at {self.demand.factor:g}×"
        said = []
        for limit, most, at_upstream in zip(
            self.demand.client.windows, self.fullest, self.fullest_at_upstream, strict=True
        ):
            if max(most, at_upstream) > limit.quota:
                said.append(f"{name}: {most} in a window of {limit}, {at_upstream} at the upstream")
        if self.admitted_ratio < ADMITTED_RATIO:
            said.append(f"{name}: {self.admitted} admitted of {self.admissible} possible")
        if strangers := {status: n for status, n in self.statuses.items() if status not in (200, 429)}:
            said.append(f"{name}: answers {strangers}")
        if self.statuses[200] != self.admitted:
            said.append(f"{name}: {self.statuses[200]} were answered 200, and {self.admitted} arrived")
        return said


def judge(demand: Demand, answers: Sequence[Answer]) -> Outcome:
    """Of all answers, those of this client."""
    mine = [answer for answer in answers if answer.shot.key == demand.client.name]
    windows = demand.client.windows
    sent = [answer.sent for answer in mine if answer.sent]
    return Outcome(
        demand,
        len(sent),
        len(sent) / (max(sent) - min(sent)),
        Counter(answer.status for answer in mine),
        sum(answer.admitted for answer in mine),
        oracle.admissible(sent, windows),
        tuple(oracle.fullest(mine, limit) for limit in windows),
        tuple(oracle.fullest_at_upstream(mine, limit) for limit in windows),
        tuple(passage.at - passage.sent for passage in oracle.passages(mine)),
    )


async def judge_all(demands: Sequence[Demand], answers: Sequence[Answer]) -> list[Outcome]:
    """Judge each, in a thread: what runs beside it goes on."""
    return [await asyncio.to_thread(judge, demand, answers) for demand in demands]


async def measure(cluster: Cluster, demands: Sequence[Demand], seconds: float, seed: int) -> list[Outcome]:
    """Let all ask at once for so long."""
    read = len(cluster.upstream_log.read_text().splitlines())
    shots = together(*(demand.shots(seconds, len(cluster.nodes), seed) for demand in demands))
    answers = await fire([node.url for node in cluster.nodes], shots)
    await note_arrivals(answers, cluster.upstream_log, skip_lines=read)
    return await judge_all(demands, answers)
