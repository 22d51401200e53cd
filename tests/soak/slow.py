"""Slow clients beside a good one: how the good one fares, when the slow ones are left, and what they leave.

``python -m tests.soak.slow`` takes some 15 s on an idle machine, and exits 1 where a figure is too large.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from loadtest import redis_server
from tests.finding import Finding
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import NodeProcess, node_process
from tests.project import ROOT
from tests.soak import vitals
from tests.soak.attackers import Fate
from tests.soak.good import GoodClient
from tests.soak.service import serving
from tests.soak.vitals import Vitals

HEADS = 1000
BODIES = 150
GOOD_PER_SECOND = 100.0
WARM_UP_SECONDS = 2.0
MOST_P99_SECONDS = 0.05
MOST_SECONDS = 10.0
MOST_GROWTH_BYTES = 10 << 20


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    good_answers: int
    good_failures: int
    good_p50_seconds: float
    good_p99_seconds: float
    heads: Fate
    bodies: Fate
    before: Vitals
    during: Vitals
    after: Vitals

    @property
    def growth_bytes(self) -> int:
        """Of the node's memory, after all have gone."""
        return self.after.rss_bytes - self.before.rss_bytes


async def attacked(node: NodeProcess, heads: int, bodies: int, per_second: float) -> Outcome:
    """Let slow clients come to a node that a good client uses all the while."""
    good, over = GoodClient(node.port, per_second), asyncio.Event()
    async with await node.connect_admin() as admin:
        asking = asyncio.create_task(good.run(over))
        await asyncio.sleep(WARM_UP_SECONDS)
        before = await vitals.read(admin)
        good.seconds.clear()
        attackers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.attackers", str(node.port), str(heads), str(bodies)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        during = before
        telling = asyncio.create_task(attackers.communicate())
        while not telling.done():
            during = max(during, await vitals.read(admin), key=lambda vitals: vitals.connections)
            await asyncio.wait({telling}, timeout=0.1)
        told, _ = telling.result()
        after = await eventually(
            lambda: vitals.read(admin), lambda now: now.connections <= before.connections + 1, 20
        )
        over.set()
        await asking
    fates = {kind: Fate(**fate) for kind, fate in json.loads(told).items()}
    return Outcome(
        len(good.seconds),
        len(good.failures),
        good.percentile(0.5),
        good.percentile(0.99),
        fates["heads"],
        fates["bodies"],
        before,
        during,
        after,
    )


async def _run() -> Outcome:
    with tempfile.TemporaryDirectory() as folder, redis_server.running() as redis:
        async with serving() as url:
            settings = {"GATEWAY_UPSTREAM_URL": url, "REDIS_URL": redis.url}
            settings |= {"GATEWAY_DEFAULT_LIMIT": "1000000/m", "GATEWAY_STORE_DEADLINE": "1"}
            async with node_process(Path(folder), **settings) as node:
                return await attacked(node, HEADS, BODIES, GOOD_PER_SECOND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it with the settings that a node has by itself; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.slow", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print all figures as one object")
    options = parser.parse_args(arguments)
    outcome = uvloop.run(_run())
    if options.json:
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    findings = findings_of(outcome)
    sys.stderr.write("".join(f"{finding}\n" for finding in findings) + told_of(outcome))
    return int(not all(finding.holds for finding in findings))


def findings_of(outcome: Outcome) -> list[Finding]:
    """What has to hold."""
    last = max(outcome.heads.last_seconds, outcome.bodies.last_seconds)
    return [
        Finding("answers to the good client that were not 200", outcome.good_failures, 0),
        Finding("p99 of the good client in ms", outcome.good_p99_seconds * 1000, MOST_P99_SECONDS * 1000),
        Finding("seconds until the last slow client was left", last, MOST_SECONDS),
        Finding("MB more of memory after it", outcome.growth_bytes / 1e6, MOST_GROWTH_BYTES / 1e6),
        Finding("descriptors more after it", outcome.after.descriptors - outcome.before.descriptors, 2),
        Finding("tasks more after it", outcome.after.tasks - outcome.before.tasks, 4),
    ]


def told_of(outcome: Outcome) -> str:
    """The figures behind it."""
    megabytes = [of.rss_bytes / 1e6 for of in (outcome.before, outcome.during, outcome.after)]
    return (
        f"{outcome.good_answers} good answers, half of them within {outcome.good_p50_seconds * 1000:.1f} ms\n"
        f"slow heads were told {outcome.heads.answers}, slow bodies {outcome.bodies.answers}\n"
        f"memory {megabytes[0]:.1f} MB before, {megabytes[1]:.1f} MB with {outcome.during.connections} "
        f"connections, {megabytes[2]:.1f} MB after\n"
    )


if __name__ == "__main__":
    sys.exit(main())
