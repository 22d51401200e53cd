"""``loadtest bench``."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest import machine, output
from loadtest.bench import contest, document, page, stage, tables
from loadtest.bench.peers.all import PEERS
from loadtest.bench.peers.peer import Peer
from loadtest.bench.results import Results, Sample
from loadtest.bench.scenarios import GROUPS, SATURATED, SCENARIOS, Scenario
from loadtest.child import StartError
from loadtest.progress import Progress

PEER_NAMES = tuple(peer.name for peer in PEERS)
SCENARIO_NAMES = tuple(scenario.name for scenario in SCENARIOS)
BUSY = 0.1
"""The share of the machine's processor time that others may take, for figures to mean something."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; empty names stand for all that there is."""

    only: Sequence[str] = ()
    peers: Sequence[str] = ()
    rounds: int = 5
    requests: int = 20_000
    is_quick: bool = False
    json: Path | None = None
    page: Path | None = None


QUICK = Options(rounds=2, requests=3000, is_quick=True)


async def run(options: Options) -> int:
    """Measure and print; 0. What is missed of what is aimed at is said: it depends on the machine.

    Raises:
        StartError: something does not start, or does not do what is to be measured.
    """
    if sys.platform != "linux":
        raise StartError("bench reads Linux' clocks of other processes: run it on Linux")
    if options.json:
        output.check(options.json)
    if options.page:
        page.check(options.page)
    progress = Progress(output.console(to_stderr=True))
    scenarios = _chosen(options)
    peers = _present(options, scenarios, progress)
    taken = await machine.busy()
    if taken > BUSY:
        told = f"others take {100 * taken:.0f} % of this machine: what is measured beside them tells little"
        progress.say(told, "yellow")
    with progress.live():
        try:
            results = await _measure(options, peers, scenarios, progress)
        except stage.BenchError as error:
            raise StartError(f"nothing is measured: {error}") from None
    console = output.console()
    for table in (*tables.all_of(results, peers), tables.of_aims(results)):
        table.print(console)
    if options.json:
        output.write(options.json, document.text(results, peers))
    if options.page:
        page.write(options.page, results, peers)
    return 0


async def _measure(
    options: Options, peers: Sequence[Peer], scenarios: Sequence[Scenario], progress: Progress
) -> Results:
    results = Results()
    async with stage.running() as on:
        for group in GROUPS:
            some = [s for s in scenarios if s in group]
            them = [peer for peer in peers if any(contest.takes_part(peer, s) for s in some)]
            async with contest.prepared(on, them, some, results, progress) as running:
                for number, scenario, peer in contest.rounds(them, some, options.rounds):
                    progress.status(f"round {number} of {options.rounds}: {scenario.title}: {peer.title}")
                    _tell(progress, await running.measure(number, scenario, peer, options.requests))
    return results


def _chosen(options: Options) -> list[Scenario]:
    """What was asked for, and before it what it is a share of."""
    chosen = [s for s in SCENARIOS if not options.only or s.name in options.only]
    if any(s.load for s in chosen) and SATURATED not in [s.name for s in chosen]:
        chosen.insert(0, next(s for s in SCENARIOS if s.name == SATURATED))
    return [s for s in chosen if not (options.is_quick and s.is_long)]


def _present(options: Options, scenarios: Sequence[Scenario], progress: Progress) -> list[Peer]:
    """The peers that take part and are there; of the others it is said how to have them.

    Raises:
        StartError: one that was asked for is not there.
    """
    found = []
    for peer in PEERS:
        is_named = peer.name in options.peers
        if (options.peers and not is_named) or not any(contest.takes_part(peer, s) for s in scenarios):
            continue
        missing = peer.missing()
        if missing is None:
            found.append(peer)
        elif is_named:
            raise StartError(f"{peer.name} is not there: {missing}")
        else:
            progress.say(f"without {peer.name}: {missing}")
    return found


def _tell(progress: Progress, sample: Sample) -> None:
    measured = sample.measured
    progress.say(
        f"{sample.round}  {sample.scenario:<14}{sample.peer:<18}{measured.cpu_us:6.1f} µs"
        f"{measured.redis_us:6.1f} µs Redis{measured.per_second:8,.0f}/s   p99 {measured.p99_ms:.1f} ms"
    )
