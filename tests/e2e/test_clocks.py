"""Nodes as real processes whose wall clocks are wrong: nothing that is decided depends on them."""

import re
import time
from pathlib import Path

import aiohttp
import pytest

from loadtest import cluster
from loadtest.cluster import Cluster
from tests.e2e.operators import command
from tests.exactness import clocks

pytestmark = pytest.mark.system

SEED = 3
COURSES = {
    "up to an hour ahead and behind": (clocks.SKEWED, ()),
    "stepped by an hour and by two": ((0, 0, 0), clocks.STEPPED),
}
ENDS_SECONDS = 4
LATEST_SECONDS = 2.0
"""After its end, or its beginning: twice what is promised, as this machine may have other work."""


@pytest.mark.parametrize("course", COURSES)
async def test_limits_skews_and_counts_are_right_with_wall_clocks(course: str, faketime: Path) -> None:
    start, steps = COURSES[course]

    run = await clocks.run(faketime, start, steps, SEED)

    assert run.failures == []
    assert run.fallbacks == 0
    assert len(run.skews) == len(start) * (1 + len(steps))


async def quotas(running: Cluster, http: aiohttp.ClientSession) -> list[int]:
    """What each node says that the client may."""
    found = []
    for node in running.nodes:
        async with http.get(node.url, headers={"X-API-Key": "acme"}) as answer:
            match = re.search(r"q=(\d+)", answer.headers["RateLimit-Policy"])
            assert match
            found.append(int(match[1]))
    return found


async def test_a_limit_ends_at_its_moment_on_nodes_with_any_wall_clock(
    faketime: Path, tmp_path: Path
) -> None:
    client = tmp_path / "clients.toml"
    client.write_text('[[clients]]\nname = "acme"\nlimit = "100000/h"\nkey = "acme"')
    plan = cluster.Plan(
        nodes=len(clocks.SKEWED),
        node_environment={"GATEWAY_CLIENTS_FILE": str(client)},
        environments_by_node=clocks.Clocks(tmp_path, faketime, clocks.SKEWED).environments(),
    )
    async with cluster.running(plan) as running, aiohttp.ClientSession() as http:
        before = await quotas(running, http)
        lasting = f"{ENDS_SECONDS}s"
        set_it = await command(
            running, "limits", "set", "acme", "200000/h", "--why", "test", "--for", lasting
        )
        assert set_it.returncode == 0, set_it.stderr
        begun = time.monotonic()
        while set(await quotas(running, http)) != {200_000}:
            assert time.monotonic() - begun < LATEST_SECONDS
        while set(await quotas(running, http)) != {100_000}:
            assert time.monotonic() - begun < ENDS_SECONDS + LATEST_SECONDS
        lasted = time.monotonic() - begun
    assert before == [100_000] * len(clocks.SKEWED)
    assert lasted > ENDS_SECONDS - LATEST_SECONDS
