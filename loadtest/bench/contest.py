"""The measurements: peers in turn, scenario by scenario, and all of that in rounds."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from loadtest.bench import proof, requests, windows
from loadtest.bench.job import Job, Measured
from loadtest.bench.peers.peer import Peer, Running
from loadtest.bench.results import Results, Sample
from loadtest.bench.scenarios import HUGE, SATURATED, SMALL, Scenario
from loadtest.bench.stage import Stage
from loadtest.progress import Progress

WARM_UP = 1000


def takes_part(peer: Peer, scenario: Scenario) -> bool:
    """Whether it is measured of this peer."""
    if scenario.peers:
        return peer.name in scenario.peers
    return peer.is_for_everything and (peer.window is not None or not scenario.is_full)


def rounds(
    peers: Sequence[Peer], scenarios: Sequence[Scenario], count: int
) -> Iterator[tuple[int, Scenario, Peer]]:
    """What is measured, in order: A B C A B C."""
    for number in range(1, count + 1):
        for scenario in scenarios:
            for peer in peers:
                if takes_part(peer, scenario):
                    yield number, scenario, peer


@dataclass(frozen=True, slots=True)
class Contest:
    """Peers that run, by their limit, and what has been measured so far."""

    stage: Stage
    running: dict[tuple[str, int], Running]
    results: Results

    async def measure(self, number: int, scenario: Scenario, peer: Peer, count: int) -> Sample:
        """One measurement of so many requests.

        Raises:
            BenchError: an answer was wrong or missing, or not from the upstream.
            StartError: a peer that is started for it does not start.
        """
        async with AsyncExitStack() as stack:
            running = self.running[peer.name, scenario.limit]
            if scenario.held_connections:
                running = await self.stage.start(peer, scenario.limit, stack)
            measured = await self._do(number, scenario, peer, running, count)
        sample = Sample(peer.name, scenario.name, number, measured)
        self.results.samples.append(sample)
        return sample

    async def _do(
        self, number: int, scenario: Scenario, peer: Peer, running: Running, count: int
    ) -> Measured:
        prefix = scenario.name if scenario.status == 200 else f"{scenario.name}-{number}"
        if peer.window and scenario.makes_windows:
            names = [peer.window(requests.key(prefix, n)) for n in range(scenario.keys)]
            await windows.make(self.stage.redis.port, running.redis_database, names, is_full=scenario.is_full)
        job = Job(
            running.ports,
            running.pids,
            (self.stage.redis.pid,),
            prefix,
            keys=scenario.keys,
            path=scenario.path,
            body_bytes=scenario.body_bytes,
            status=scenario.status,
            rate_per_second=scenario.rate_per_second or self._share_of_most(number, scenario, peer),
            warm_up=max(WARM_UP, scenario.keys),
            requests=max(100, int(count * scenario.share)),
            held_connections=scenario.held_connections,
        )
        before = await self.stage.upstream_count()
        measured = await self.stage.do(job)
        reached = await self.stage.upstream_count() - before
        if scenario.status == 200:
            proof.reached(peer.name, measured.sent, reached)
        else:
            proof.was_kept_off(peer.name, job, reached)
        return measured

    def _share_of_most(self, number: int, scenario: Scenario, peer: Peer) -> float:
        if not scenario.load:
            return 0.0
        most = self.results.of(peer.name, SATURATED)[number - 1].per_second
        return scenario.load * most


@asynccontextmanager
async def prepared(
    stage: Stage, peers: Sequence[Peer], scenarios: Sequence[Scenario], results: Results, progress: Progress
) -> AsyncIterator[Contest]:
    """Peers that run while the context lasts, each having proved that it limits and reaches the upstream.

    Raises:
        StartError: one does not start.
        BenchError: one does not do what is to be measured.
    """
    running = {}
    async with AsyncExitStack() as whole:
        for peer in peers:
            progress.status(f"{peer.name} starts")
            async with AsyncExitStack() as short:
                is_measured = any(s.limit == SMALL and takes_part(peer, s) for s in scenarios)
                small = await stage.start(peer, SMALL, whole if is_measured else short)
                await proof.limits(stage, peer.name, small)
            running[peer.name, SMALL] = small
            running[peer.name, HUGE] = await stage.start(peer, HUGE, whole)
            await proof.lets_through(stage, peer.name, running[peer.name, HUGE])
            progress.say(f"{peer.name} limits, and reaches the upstream ({peer.version()})")
        yield Contest(stage, running, results)
