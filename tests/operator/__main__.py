"""What the subject costs at a big cluster: thirty nodes, ten thousand clients, an hour of history.

It prints what each detector takes, how long a person waits for commands and for the dashboard, and what that
costs while it is open; and exits 1 if anything is more than it may be. It takes some five minutes, and wants
a machine to itself.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loadtest import machine, redis_server
from loadtest.figure_tables import Place
from tests import sections
from tests.finding import Findings, table
from tests.integration.subject.serving import served
from tests.operator import browser, cluster, commands, dashboard, looks
from tests.progress import say


@dataclass(frozen=True)
class Asked:
    """The command line's."""

    nodes: int
    clients: int
    rounds: int
    seconds: float


async def measure_looks(asked: Asked) -> Findings:
    """In this process, part by part."""
    original = looks.build(asked.nodes, asked.clients)
    costs = {
        name: looks.measure(looks.changed(original, change), asked.rounds)
        for name, change in looks.LOOKS.items()
    }
    Console().print(looks.table(costs))
    return looks.findings(costs)


async def measure_commands(asked: Asked) -> Findings:
    """As processes, at a cluster that lives."""
    with redis_server.running() as redis:
        async with cluster.living(redis.url, asked.nodes, asked.clients):
            return await commands.measure(redis.url, asked.rounds)


async def measure_dashboard(asked: Asked) -> Findings:
    """A subject that serves, and whoever looks at it."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server.running())
        await stack.enter_async_context(cluster.living(redis.url, asked.nodes, asked.clients))
        serving = await stack.enter_async_context(served(redis.url, **commands.PATIENT))
        found = await dashboard.measure(redis.url, serving, asked.seconds)
        if why := browser.missing():
            say(f"NOT MEASURED: the first chart in a browser, as there is {why}")
            return found
        return [*found, *await browser.measure(serving.url)]


SECTIONS: dict[str, Callable[[Asked], Awaitable[Findings]]] = {
    "looks": measure_looks,
    "commands": measure_commands,
    "dashboard": measure_dashboard,
}


async def run(names: Sequence[str], asked: Asked, page: Path | None) -> int:
    """Measure, print, and write into the page if there is one; the exit code."""
    busy = await machine.busy()
    findings = []
    for name in names:
        say(f"{name} …")
        findings += await SECTIONS[name](asked)
    text = table(findings)
    say(f"\n{text}\nThe machine was busy to {100 * busy:.0f} % before.")
    if page:
        Place(page, "operator").write([text])
    return sections.exit_code(finding.what for finding in findings if not finding.holds)


def main() -> int:
    """The command line."""
    parser = sections.parser("tests.operator", __doc__, list(SECTIONS))
    parser.add_argument("--nodes", type=int, default=30)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5, help="of each look and command (5)")
    parser.add_argument("--seconds", type=float, default=60, help="that an open dashboard is measured (60)")
    options = parser.parse_args()
    asked = Asked(options.nodes, options.clients, options.rounds, options.seconds)
    return asyncio.run(run(options.sections or list(SECTIONS), asked, options.write))


if __name__ == "__main__":
    sys.exit(main())
