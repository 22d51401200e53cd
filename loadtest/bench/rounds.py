"""The measurements: peers in turn, scenario by scenario, and all of that in rounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from loadtest.bench import proof, requests, windows
from loadtest.bench.job import Job, Measured
from loadtest.bench.peers.peer import Peer, Running
from loadtest.bench.scenarios import HUGE, SMALL, Scenario
from loadtest.bench.stage import Stage
from loadtest.progress import Progress

WARM_UP = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement."""

    peer: str
    scenario: str
    round: int
    measured: Measured


class Results:
    """Samples by peer and scenario, in the order of rounds."""

    def __init__(self, samples: Sequence[Sample] = ()) -> None:
        """With these."""
        self.samples = list(samples)

    def of(self, peer: str, scenario: str) -> list[Measured]:
        """The measurements of one."""
        return [s.measured for s in self.samples if (s.peer, s.scenario) == (peer, scenario)]

    def cpu_us(self, peer: str, scenario: str) -> float | None:
        """The median of the processor time a request, None where nothing was measured."""
        found = self.of(peer, scenario)
        return median(m.cpu_us for m in found) if found else None


@dataclass(frozen=True, slots=True)
class Contest:
    """Peers that run, each with both limits."""

    stage: Stage
    running: dict[tuple[str, int], Running]
    peers: Sequence[Peer]

    def rounds(self, scenarios: Sequence[Scenario], count: int) -> Iterator[tuple[int, Scenario, Peer]]:
        """What is measured, in order: A B C A B C."""
        for number in range(1, count + 1):
            for scenario in scenarios:
                for peer in self.peers:
                    if peer.window or not scenario.full:
                        yield number, scenario, peer

    async def measure(self, number: int, scenario: Scenario, peer: Peer, count: int) -> Sample:
        """One of them. The first time with a peer each key is seen once before.

        Raises:
            BenchError: an answer was wrong or missing.
        """
        prefix = scenario.name if scenario.status == 200 else f"{scenario.name}-{number}"
        if peer.window:
            keys = [requests.key(prefix, n) for n in range(scenario.keys)]
            await windows.make(
                self.stage.redis.port, [peer.window(key) for key in keys], is_full=scenario.full
            )
        running = self.running[peer.name, scenario.limit]
        job = Job(
            running.ports,
            running.pids,
            (self.stage.redis.pid,),
            prefix,
            keys=scenario.keys,
            path=scenario.path,
            body_bytes=scenario.body_bytes,
            status=scenario.status,
            warm_up=max(WARM_UP, scenario.keys) if number == 1 else WARM_UP,
            requests=max(1, int(count * scenario.share)),
        )
        return Sample(peer.name, scenario.name, number, await self.stage.do(job))


async def prepare(stage: Stage, peers: Sequence[Peer], progress: Progress) -> Contest:
    """Start peers, and prove of each that it limits and reaches the upstream.

    Raises:
        StartError: one does not start.
        BenchError: one does not do what is to be measured.
    """
    running = {}
    for peer in peers:
        progress.status(f"{peer.name} starts")
        for limit in (HUGE, SMALL):
            running[peer.name, limit] = await stage.start(peer, limit)
        await proof.limits(stage, peer.name, running[peer.name, SMALL])
        await proof.lets_through(stage, peer.name, running[peer.name, HUGE])
        progress.say(f"{peer.name} limits, and reaches the upstream ({peer.version()})")
    return Contest(stage, running, peers)
