"""Promises 1 and 2 on real processes: never more than N in any window of W, and always nearly N."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from gateway.contract.limits import Limit, parse_limit
from loadtest import cluster
from loadtest.verdict import Passage, largest_in_window
from tests.e2e.hammer import Hammer

WINDOWS = 10
LIMITS = {"ten-seconds": "200/10s", "one-second": "20/1s"}
PACES = ("paced", "unpaused")
OVERLOAD = 4

CLIENTS = "\n".join(
    f'[[clients]]\nname = "{name}-{pace}"\nlimit = "{limit}"\nkey = "key-{name}-{pace}"'
    for name, limit in LIMITS.items()
    for pace in PACES
)


async def arrivals_by_target(log: Path, expected: int) -> dict[str, float]:
    """The upstream's log, as soon as all that clients saw admitted is in it."""
    deadline = time.monotonic() + 5
    while len(lines := log.read_text().splitlines()) < expected:
        assert time.monotonic() < deadline, f"{len(lines)} of {expected} are in the log"
        await asyncio.sleep(0.05)
    return {line["target"]: line["at"] for line in map(json.loads, lines)}


def fullest_window(arrivals: list[Passage], limit: Limit) -> int:
    """The most arrivals in any window of W less the longest transit."""
    transit = max(passage.at - passage.sent for passage in arrivals)
    times = sorted(passage.at for passage in arrivals)
    width = limit.period_seconds - transit
    start, most = 0, 0
    for position, at in enumerate(times):
        while times[start] <= at - width:
            start += 1
        most = max(most, position - start + 1)
    return most


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS)
    return path


async def test_no_window_holds_more_than_the_limit_and_each_nearly_as_much(clients_file: Path) -> None:
    """Four clients at once, each through all three nodes: two limits, each at four times its rate and without
    any pause. The deadline is long, so that a late reply on a loaded machine is not taken for an outage."""
    plan = cluster.Plan(
        node_environment={
            "GATEWAY_CLIENTS_FILE": str(clients_file),
            "GATEWAY_STORE_DEADLINE": "10",
            "GATEWAY_ON_STORE_FAILURE": "closed",
        }
    )
    hammers = {(name, pace): Hammer(f"key-{name}-{pace}") for name in LIMITS for pace in PACES}
    async with cluster.running(plan) as running:
        urls = [node.url for node in running.nodes]
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for (name, pace), hammer in hammers.items():
                limit = parse_limit(LIMITS[name])
                until = started + WINDOWS * limit.period_seconds
                for url in urls:
                    if pace == "paced":
                        rate = OVERLOAD * limit.quota / limit.period_seconds / len(urls)
                        group.create_task(hammer.paced(url, rate, until))
                    else:
                        group.create_task(hammer.closed_loop(url, until))
        admitted = sum(hammer.count(200) for hammer in hammers.values())
        arrived = await arrivals_by_target(running.upstream_log, admitted)
    assert len(arrived) == admitted
    for (name, pace), hammer in hammers.items():
        limit = parse_limit(LIMITS[name])
        arrivals = [
            Passage(sent, arrived[target], hammer.key)
            for target, sent in hammer.sent.items()
            if target in arrived
        ]
        assert hammer.count(200, 429) == len(hammer.sent), f"{name} {pace}: {hammer.outcomes}"
        assert fullest_window(arrivals, limit) <= limit.quota, f"{name}, {pace}"
        assert largest_in_window(arrivals, limit.period_seconds) <= limit.quota, f"{name}, {pace}"
        assert len(arrivals) >= 0.95 * limit.quota * WINDOWS, f"{name}, {pace}: {len(arrivals)} admitted"
