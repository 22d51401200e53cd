"""Measures how exact the limits are, and how dependable, on three real processes and a real Redis.

It takes some ten minutes, prints what it finds as it goes, and exits 1 if anything is not as promised.
"""

import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from loadtest import cluster, faults
from loadtest.child import StartError
from loadtest.figure_tables import Place
from tests import sections
from tests.exactness import clocks, nodes, outages, tables
from tests.exactness.limits import Demand, Outcome, measure
from tests.exactness.outages import Course, WorstCase
from tests.exactness.policies import Client, write_clients
from tests.exactness.store import FAULTS, Fault
from tests.progress import say
from tests.sections import Section

LIMITS = ("10/s", "200/10s", "1000/10s", "20/s,150/10s")
TOGETHER = (0.9, 1, 4)
ALONE = 40
SECONDS = 35.0
ATTEMPTS = 4
COURSES = {
    "−1 h, −5 s, 0, +5 s, +1 h": (clocks.SKEWED, ()),
    "stepped by 1 h and by 2 h": ((0, 0, 0), clocks.STEPPED),
}


async def measure_limits(seed: int) -> Section:
    """All limits at once at each of the smaller factors; at the largest each alone."""
    by_factor = {
        factor: [
            Demand(Client(f"client-{number}-at-{factor:g}", limit), factor)
            for number, limit in enumerate(LIMITS)
        ]
        for factor in (*TOGETHER, ALONE)
    }
    groups = [by_factor[factor] for factor in TOGETHER] + [[demand] for demand in by_factor[ALONE]]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="ratelimiter-limits-") as folder:
        clients_file = Path(folder) / "clients.toml"
        write_clients((demand.client for group in groups for demand in group), clients_file)
        plan = cluster.Plan(node_environment={"GATEWAY_CLIENTS_FILE": str(clients_file)})
        async with cluster.running(plan) as running:
            for group in groups:
                limits = ", ".join(demand.client.limit for demand in group)
                say(f"limits: {limits} at {group[0].factor:g}×, {SECONDS:g} s")
                outcomes += await measure(running, group, SECONDS, seed)
            undecided = nodes.fallbacks(await nodes.records_of(running))
    outcomes.sort(key=lambda outcome: LIMITS.index(outcome.demand.client.limit))
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    text = tables.of_limits(outcomes) + f"\nDecided without Redis: {undecided}. Seed {seed}.\n"
    return Section(text, failures)


async def _undisturbed(policy: str, fault: Fault) -> Course:
    """A run during which the machine was not late itself, or else the last of ATTEMPTS."""
    clients = [client for client, _ in outages.DEMAND]
    for attempt in range(1, ATTEMPTS + 1):
        say(f"outages: {policy}, {fault.name}, {outages.TOTAL_SECONDS:g} s")
        course = await outages.run(policy, fault, outages.evenly(), clients)
        if not course.was_disturbed or attempt == ATTEMPTS:
            break
        say("  this machine was late itself: once more")
    return course


async def measure_outages(seed: int) -> Section:
    """Each policy through each fault, and the worst case of `local`."""
    del seed  # this load is even
    courses: list[Course] = []
    for policy in outages.STATUSES:
        for fault in FAULTS:
            courses.append(await _undisturbed(policy, fault))
    say("outages: the worst case of local")
    shots = outages.behind_the_others_backs()
    worst = WorstCase(await outages.run("local", FAULTS[0], shots, [outages.UNSEEN]))
    failures = [failure for course in courses for failure in course.failures] + worst.failures
    return Section(tables.of_outages(courses) + "\n" + tables.of_worst_cases([worst]), failures)


async def measure_clocks(seed: int) -> Section:
    """Wrong wall clocks, and stepped ones."""
    try:
        faketime = faults.faketime_library()
    except StartError as error:
        return Section("", [str(error)])
    runs = []
    for name, (start, steps) in COURSES.items():
        say(f"clocks: {name}, {clocks.SECONDS:g} s")
        runs.append((name, await clocks.run(faketime, start, steps, seed)))
    return Section(tables.of_clocks(runs), [failure for _, run in runs for failure in run.failures])


SECTIONS: dict[str, Callable[[int], Awaitable[Section]]] = {
    "limits": measure_limits,
    "outages": measure_outages,
    "clocks": measure_clocks,
}


async def run(names: Sequence[str], seed: int, page: Path | None) -> int:
    """Measure, print, and write into the page if there is one; the exit code."""
    failures: list[str] = []
    for name in names:
        section = await SECTIONS[name](seed)
        say("\n" + section.text)
        failures += section.failures
        if page and section.text:
            Place(page, name).write([section.text])
    return sections.exit_code(failures)


def main() -> int:
    """The command line."""
    parser = sections.parser("tests.exactness", __doc__, list(SECTIONS))
    parser.add_argument("--seed", type=int, default=7, help="of the requests' times (7)")
    options = parser.parse_args()
    return uvloop.run(run(options.sections or list(SECTIONS), options.seed, options.write))


if __name__ == "__main__":
    sys.exit(main())
