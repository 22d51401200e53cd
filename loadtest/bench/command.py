"""``loadtest bench``."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from loadtest.bench import promises, rounds, stage, tables
from loadtest.bench.peers.all import PEERS
from loadtest.bench.peers.peer import Peer
from loadtest.bench.rounds import Results
from loadtest.bench.scenarios import SCENARIOS, Scenario
from loadtest.child import StartError
from loadtest.progress import Progress

PEER_NAMES = tuple(peer.name for peer in PEERS)
SCENARIO_NAMES = tuple(scenario.name for scenario in SCENARIOS)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; empty names stand for all that there is."""

    only: Sequence[str] = ()
    peers: Sequence[str] = ()
    rounds: int = 5
    requests: int = 20_000
    json: Path | None = None


async def run(options: Options) -> int:
    """Measure, and print; the exit code is 0 whatever the figures are, for they are this machine's.

    Raises:
        StartError: something does not start, or does not do what is to be measured.
    """
    if sys.platform != "linux":
        raise StartError("bench reads Linux' clocks of other processes: run it on Linux")
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 110)
    progress = Progress(console)
    peers = _present(options.peers, progress)
    scenarios = [s for s in SCENARIOS if not options.only or s.name in options.only]
    results = Results()
    with progress.live():
        try:
            async with stage.running() as on:
                contest = await rounds.prepare(on, peers, progress)
                for number, scenario, peer in contest.rounds(scenarios, options.rounds):
                    progress.status(f"round {number} of {options.rounds}: {scenario.title}: {peer.name}")
                    results.samples.append(await contest.measure(number, scenario, peer, options.requests))
                    _tell(progress, results.samples[-1])
        except stage.BenchError as error:
            raise StartError(f"nothing is measured: {error}") from None
    _print(results, peers, scenarios)
    if options.json:
        options.json.write_text(
            json.dumps({"samples": [asdict(s) for s in results.samples]}, indent=1) + "\n"
        )
    return 0


def _present(names: Sequence[str], progress: Progress) -> list[Peer]:
    """The peers that are there; of the others it is said how to have them.

    Raises:
        StartError: one that was asked for is not there.
    """
    found = []
    for peer in PEERS:
        if names and peer.name not in names:
            continue
        missing = peer.missing()
        if missing is None:
            found.append(peer)
        elif names:
            raise StartError(f"{peer.name} is not there: {missing}")
        else:
            progress.say(f"without {peer.name}: {missing}")
    return found


def _tell(progress: Progress, sample: rounds.Sample) -> None:
    measured = sample.measured
    progress.say(
        f"{sample.round}  {sample.scenario:<14}{sample.peer:<18}{measured.cpu_us:6.1f} µs"
        f"{measured.redis_us:6.1f} µs Redis{measured.per_second:8,.0f}/s   p99 {measured.p99_ms:.1f} ms"
    )


def _print(results: Results, peers: Sequence[Peer], scenarios: Sequence[Scenario]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    title = "Processor time a request, µs: median of the rounds (least–most)"
    console.print(tables.of_figures(title, results, peers, scenarios, promises.cpu))
    console.print(tables.of_figures("\nof Redis, µs", results, peers, scenarios, promises.redis))
    console.print()
    console.print(tables.of_promises(results))
