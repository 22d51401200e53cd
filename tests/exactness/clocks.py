"""Nodes whose wall clocks are wrong, or are stepped while they run (libfaketime), and what comes of it."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RosterEntry, TelemetryRecord, decode
from loadtest import cluster
from tests.exactness import nodes
from tests.exactness.limits import Demand, Outcome, judge_all
from tests.exactness.policies import Client, write_clients
from tests.exactness.schedule import together
from tests.exactness.volley import Answer, fire, note_arrivals

HOUR = 3600
SKEWED = (-HOUR, -5, 0, 5, HOUR)
"""Seconds by which the wall clocks of five nodes are ahead, from start to end."""

DEMANDS = (
    Demand(Client("second", "20/1s"), 4),
    Demand(Client("ten-seconds", "200/10s"), 4),
    Demand(Client("just", "30/1s"), 1),
)
PUBLISHED_SECONDS = 6.0
NEAR_SECONDS = 0.5
SECONDS = 15.0
"""Of load: the windows of ten seconds are full twice."""


@dataclass(frozen=True, slots=True)
class Step:
    """`at` seconds after the load's start each node's wall clock is set so many seconds ahead."""

    at: float
    ahead: tuple[int, ...]


STEPPED = (
    Step(2.0, (HOUR, -HOUR, 0)),
    Step(5.0, (-HOUR, HOUR, 0)),
    Step(8.0, (0, 0, 0)),
)


class Clocks:
    """The wall clocks of some nodes: a file each, that libfaketime reads when the node asks for the time."""

    def __init__(self, folder: Path, faketime: Path, ahead: Sequence[int]) -> None:
        self._files = [folder / f"clock-{number}" for number in range(1, len(ahead) + 1)]
        self._faketime = faketime
        self.set(ahead)

    def set(self, ahead: Sequence[int]) -> None:
        """Step each."""
        for file, seconds in zip(self._files, ahead, strict=True):
            draft = file.with_suffix(".new")
            draft.write_text(f"{seconds:+d}\n")
            draft.replace(file)

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        """By node: what makes it believe its file."""
        return {
            f"node-{number}": {
                "LD_PRELOAD": str(self._faketime),
                "FAKETIME_TIMESTAMP_FILE": str(file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            for number, file in enumerate(self._files, 1)
        }


@dataclass(frozen=True, slots=True)
class ClockRun:
    """A run: what clients got, the skews that nodes were given and published, and the counts by node."""

    outcomes: tuple[Outcome, ...]
    skews: tuple[tuple[int, float], ...]
    fallbacks: int
    admitted_by_clients: tuple[int, ...]
    admitted_by_nodes: tuple[int, ...]

    @property
    def failures(self) -> list[str]:
        """What is not as promised, a sentence each."""
        said = [failure for outcome in self.outcomes for failure in outcome.failures]
        said += [
            f"a node that is {given:+d} s ahead published {published:+.1f} s"
            for given, published in self.skews
            if abs(given - published) > NEAR_SECONDS
        ]
        if self.admitted_by_clients != self.admitted_by_nodes:
            said.append(f"clients saw {self.admitted_by_clients} admitted, nodes {self.admitted_by_nodes}")
        return said


async def run(faketime: Path, start: Sequence[int], steps: Sequence[Step], seed: int) -> ClockRun:
    """A node for each of `start`, its wall clock so far ahead, under DEMANDS; the clocks are stepped."""
    with tempfile.TemporaryDirectory(prefix="ratelimiter-clocks-") as name:
        folder = Path(name)
        clocks = Clocks(folder, faketime, start)
        write_clients((demand.client for demand in DEMANDS), folder / "clients.toml")
        plan = cluster.Plan(
            nodes=len(start),
            node_environment={
                "GATEWAY_CLIENTS_FILE": str(folder / "clients.toml"),
                "GATEWAY_STORE_DEADLINE": "5",
            },
            environments_by_node=clocks.environments(),
        )
        async with cluster.running(plan) as running:
            await nodes.know_each_other(running)
            watching = asyncio.create_task(_step_and_watch(running.redis_url, clocks, start, steps))
            shots = together(*(demand.shots(SECONDS, len(start), seed) for demand in DEMANDS))
            answers = await fire([node.url for node in running.nodes], shots)
            await note_arrivals(answers, running.upstream_log)
            skews = await watching
            records = await nodes.records_of(running)
        outcomes = await judge_all(DEMANDS, answers)
    return ClockRun(
        tuple(outcomes),
        tuple(skews),
        nodes.fallbacks(records),
        _admitted(answers, len(start)),
        tuple(record.boot.admitted for record in records),
    )


def _admitted(answers: Sequence[Answer], count: int) -> tuple[int, ...]:
    return tuple(sum(a.status == 200 and a.shot.node == node for a in answers) for node in range(count))


async def _step_and_watch(
    redis_url: str, clocks: Clocks, start: Sequence[int], steps: Sequence[Step]
) -> list[tuple[int, float]]:
    """Step the clocks when it is time, and read after each step what skew each node publishes."""
    began = time.monotonic()
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        skews = await _published(redis, start)
        for step in steps:
            await asyncio.sleep(began + step.at - time.monotonic())
            clocks.set(step.ahead)
            skews += await _published(redis, step.ahead)
    return skews


async def _published(redis: Redis, ahead: Sequence[int]) -> list[tuple[int, float]]:
    """Each node's skew as soon as all are near what they should be, or what they are in the end."""
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while True:
        records = await _records(redis)
        skews = [
            (seconds, records[f"node-{number}"].clock_skew_seconds) for number, seconds in enumerate(ahead, 1)
        ]
        right = all(abs(given - published) <= NEAR_SECONDS for given, published in skews)
        if right or time.monotonic() > deadline:
            return skews
        await asyncio.sleep(0.1)


async def _records(redis: Redis) -> dict[str, TelemetryRecord]:
    entries = [decode(RosterEntry, text) for text in (await redis.hgetall(keys.NODES)).values()]
    return {entry.last.node_id: entry.last for entry in entries}
