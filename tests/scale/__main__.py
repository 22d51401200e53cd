"""Measures what many keys, a hot key and a long-lived key cost, on a real Redis.

A million keys take some fifteen minutes. It prints what it finds as it goes, and exits 1 if anything costs
more than it may.
"""

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from statistics import median

import uvloop
from redis.asyncio import Redis

from gateway.contract.limits import Limit, parse_limits
from loadtest import redis_server
from loadtest.figure_tables import Place
from tests import sections
from tests.finding import Finding, Findings, table
from tests.progress import say
from tests.scale import batches, decisions, many_keys
from tests.scale.batches import MOST_COMMANDS
from tests.scale.many_keys import Node
from tests.scale.week import MOST_FIELDS, WEEK_SECONDS, Habit, Simulation

MOST_REDIS_BYTES = 200
MOST_RSS_MEGABYTES = 50
MOST_CPU_RATIO = 1.3
HOT_SECONDS = 5.0
HOT = {
    "100000/m": "all admitted",
    "10/m": "nearly all refused",
    "2500/s": "half of them admitted",
    "50/s": "one in a hundred admitted",
    "2500/s,100000/m,10000000/d": "half of them admitted",
}

SECTIONS = ("node", "limiter", "hot", "week", "decisions")

FULL_TO_EMPTY = {1: (1.2, 1.8), 10_000: (1.6, 2.5)}
"""By keys: what a decision about a full window may cost the node, and Redis, to one about an empty one."""

AT_ONCE = (1, 8, 64)
ONE_KEYS_DECISIONS = 6000

HOUR = 3600.0
HABITS = {
    "a minute's window, an hour a day without a pause": Habit(
        Limit(600, 60), WEEK_SECONDS, (HOUR, 23 * HOUR), gaps=(0.4, 400.0)
    ),
    "an hour's window, half of the time without a pause": Habit(
        Limit(200, 3600), WEEK_SECONDS, (6 * HOUR, 6 * HOUR), gaps=(0.3, 70.0)
    ),
    "a day's window, without a pause": Habit(
        Limit(1000, 86400), WEEK_SECONDS, (WEEK_SECONDS, HOUR), gaps=(0.1, 70.0)
    ),
}


async def measure_keys(
    what: str, start: Callable[[str], AbstractAsyncContextManager[Node]], total: int
) -> Findings:
    """Keys that are seen once."""
    with redis_server.running() as server:
        async with Redis.from_url(server.url) as redis, start(server.url) as node:
            cost = await many_keys.measure(
                node, redis, total, progress=lambda seen: say(f"{what}: {seen:,} keys")
            )
    what = f"{cost.keys:,} keys, {what}"
    times = f"{median(cost.new_us):.0f} µs, to {median(cost.known_us):.0f}"
    return [
        Finding(f"{what}: memory of Redis a key", cost.redis_bytes_per_key, MOST_REDIS_BYTES, " B"),
        Finding(f"{what}: `MEMORY USAGE` of a key", cost.memory_usage_bytes, MOST_REDIS_BYTES, " B"),
        Finding(
            f"{what}: memory above that at 1,000", cost.rss_growth_bytes / 1e6, MOST_RSS_MEGABYTES, " MB"
        ),
        Finding(
            f"{what}: processor time a request, to that at 1,000 ({times})",
            cost.cpu_ratio,
            MOST_CPU_RATIO,
            "×",
            2,
        ),
    ]


async def measure_hot() -> Findings:
    """One key that three nodes hammer."""
    findings = []
    for text, how in HOT.items():
        say(f"hot: {text}, {HOT_SECONDS:g} s")
        limits = parse_limits(text).windows
        traffic = await batches.measure(limits, HOT_SECONDS)
        what = f"`{text}` at {batches.REQUESTS_PER_SECOND:,}/s, {how}"
        means = f"{traffic.mean:.1f} on average, {traffic.commands_per_request:.2f} a request"
        findings.append(
            Finding(
                f"{what}: commands of the longest pipeline ({means})",
                traffic.most,
                MOST_COMMANDS[len(limits)],
            )
        )
    return findings


async def measure_week(seed: int) -> Findings:
    """One key that lives for a week."""
    findings = []
    for habit, settings in HABITS.items():
        say(f"week: {habit}")
        with redis_server.running() as server:
            course = await Simulation(settings, server.port, seed).run()
        what = f"a week, {habit}: fields ({course.batches:,} pipelines)"
        findings.append(Finding(what, course.most_fields, MOST_FIELDS))
    return findings


async def measure_decisions() -> Findings:
    """What windows cost that are full in each sub-interval."""
    findings = []
    for keys, (most_of_node, most_of_redis) in FULL_TO_EMPTY.items():
        for at_once in AT_ONCE:
            say(f"decisions: {keys:,} keys, {at_once} in a pipeline")
            each = ONE_KEYS_DECISIONS if keys == 1 else 1
            empty, full = [
                await decisions.measure(decisions.Load(keys, is_full, at_once, each))
                for is_full in (False, True)
            ]
            what = f"a decision, {at_once} in a pipeline, {keys:,} keys: full windows to empty ones,"
            findings += [
                _ratio(f"{what} node", empty.node_us, full.node_us, most_of_node),
                _ratio(f"{what} Redis", empty.redis_us, full.redis_us, most_of_redis),
            ]
    return findings


def _ratio(what: str, least: float, found: float, most: float) -> Finding:
    return Finding(f"{what} ({found:.1f} µs to {least:.1f})", found / least, most, "×", 2)


async def run(names: Sequence[str], keys: int, seed: int, page: Path | None) -> int:
    """Measure, print, and write into the page if there is one; the exit code."""
    measuring: dict[str, Callable[[], Awaitable[Findings]]] = {
        "node": partial(measure_keys, "a node process over HTTP", many_keys.over_http, keys),
        "limiter": partial(measure_keys, "a limiter alone", many_keys.in_process, keys),
        "hot": measure_hot,
        "week": partial(measure_week, seed),
        "decisions": measure_decisions,
    }
    findings = [finding for name in names for finding in await measuring[name]()]
    text = table(findings)
    say("\n" + text)
    if page:
        Place(page, "scale").write([text])
    return sections.exit_code(finding.what for finding in findings if not finding.holds)


def main() -> int:
    """The command line."""
    parser = sections.parser("tests.scale", __doc__, list(SECTIONS))
    parser.add_argument("--keys", type=int, default=1_000_000, help="that are seen once (1000000)")
    parser.add_argument("--seed", type=int, default=7, help="of the week (7)")
    options = parser.parse_args()
    return uvloop.run(run(options.sections or SECTIONS, options.keys, options.seed, options.write))


if __name__ == "__main__":
    sys.exit(main())
