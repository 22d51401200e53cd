"""A node that dies, and a Redis that dies, as an operator and a client see it."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest

from loadtest import cluster, redis_server
from subject import create_ratelimiter_subject_and_checker
from tests.e2e.hammer import Hammer
from tests.e2e.operators import command
from tests.exactness import nodes, outages, store
from tests.exactness.schedule import together

DOWN_SECONDS = 3.0
EXACT_SECONDS = 2.0
"""Twice what is promised and `python -m tests.exactness` judges by: this machine may have other work."""
DEADLINE_SECONDS = 0.15
"""For the same reason not the default, and less than late packets take."""
STOPPED, KILLED, RESTARTED_EMPTY, LATE = store.FAULTS
EVENLY = tuple(client for client, _ in outages.DEMAND)
COMMANDS = (
    ("status",),
    ("nodes",),
    ("top",),
    ("diagnose",),
    ("limits", "get"),
    ("limits", "set", "acme", "5/s", "--why", "test"),
    ("reset", "acme"),
)


async def test_a_killed_node_is_down_within_three_seconds() -> None:
    async with cluster.running(cluster.Plan()) as running:
        observer, _ = create_ratelimiter_subject_and_checker(redis_url=running.redis_url)
        await nodes.know_each_other(running)
        assert {store.state for store in await observer.get_stores()} == {"Up"}
        running.nodes[1].child.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        while {store.id: store.state for store in await observer.get_stores()}["node-2"] != "Down":
            assert time.monotonic() - killed < DOWN_SECONDS
            await asyncio.sleep(0.05)
        await observer.aclose()
        status = await command(running, "status", "--json")
    assert {node["id"]: node["state"] for node in json.loads(status.stdout)["nodes"]}["node-2"] == "Down"
    assert status.returncode in (0, 1)


@pytest.mark.parametrize(("policy", "statuses"), [("local", {200, 429}), ("open", {200}), ("closed", {503})])
async def test_with_redis_stopped_requests_are_answered_by_policy(policy: str, statuses: set[int]) -> None:
    with redis_server.running() as server:
        plan = cluster.Plan(
            redis_url=server.url,
            node_environment={"GATEWAY_ON_STORE_FAILURE": policy, "GATEWAY_DEFAULT_LIMIT": "30/m"},
        )
        async with cluster.running(plan) as running:
            observer, checker = create_ratelimiter_subject_and_checker(redis_url=running.redis_url)
            await nodes.know_each_other(running)
            await observer.observe()
            os.kill(server.pid, signal.SIGKILL)
            hammer = Hammer("acme")
            until = time.monotonic() + 1.0
            await asyncio.gather(*(hammer.paced(node.url, 40, until) for node in running.nodes))
            seen = Counter({status: count for (_, status), count in hammer.outcomes.items()})
            assert set(seen) == statuses
            if policy == "local":
                assert 30 <= sum(n for (_, status), n in hammer.outcomes.items() if status == 200) <= 33
            observation = await observer.observe()
            assert observation["redis_connected"] is False
            assert {node["id"] for node in observation["nodes"]} == {"node-1", "node-2", "node-3"}
            assert "store_down" in {violation.invariant_name for violation in checker.check(observation)}
            await observer.aclose()
            for words in COMMANDS if policy == "local" else ():
                ended = await command(running, *words)
                assert "Traceback" not in ended.stderr
                assert ended.returncode in (1, 3), f"{words}: {ended.returncode}"


@pytest.mark.parametrize(
    ("policy", "fault"),
    [("local", LATE), ("open", KILLED), ("closed", RESTARTED_EMPTY)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_an_outage_shows_only_as_its_policy_says_and_is_over_when_redis_is_back(
    policy: str, fault: store.Fault
) -> None:
    course = await outages.run(policy, fault, outages.evenly(), EVENLY, DEADLINE_SECONDS)
    assert course.miscounts == []
    assert course.last_5xx_seconds < EXACT_SECONDS
    assert max(map(course.exact_again_seconds, EVENLY)) < EXACT_SECONDS


async def test_a_silent_redis_gives_evenly_spread_traffic_no_more_and_unseen_traffic_what_it_must() -> None:
    shots = together(outages.evenly(), outages.behind_the_others_backs())
    course = await outages.run("local", STOPPED, shots, (*EVENLY, outages.UNSEEN), DEADLINE_SECONDS)
    worst = outages.WorstCase(course)
    assert replace(course, clients=EVENLY).miscounts == []
    assert 1 < worst.fullest_ratio <= worst.bound + 0.01
    assert max(map(course.exact_again_seconds, course.clients)) < EXACT_SECONDS
