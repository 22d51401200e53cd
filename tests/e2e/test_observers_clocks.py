"""Clocks that are apart or are set: what an operator's loop finds is what is there, and no more."""

import json
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from loadtest import redis_server
from subject import RateLimiterSubject
from tests.e2e.operators import (
    DOWN,
    FOUND_SECONDS,
    Operator,
    Ticket,
    calm_cluster,
    command,
)
from tests.exactness import clocks


@pytest.mark.system
@pytest.mark.parametrize("by", [-7200, 2, 90])
async def test_whatever_redis_clock_is_set_by_a_dead_node_is_found_and_nothing_else(
    by: int, faketime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = clocks.Clocks(tmp_path, faketime, (0,))
    async with AsyncExitStack() as stack:
        with monkeypatch.context() as patched:
            for name, value in wall.environments()["node-1"].items():
                patched.setenv(name, value)
            # A server with jemalloc does not start under libfaketime.
            patched.setenv("REDIS_SERVER", str(redis_server.in_wheel()))
            redis = await stack.enter_async_context(redis_server.running_beside())
        redis, running, _ = await calm_cluster(stack, redis=redis)
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        operator = Operator(subject)
        await operator.watch(20)
        wall.set((by,))
        await operator.watch(6)
        size = len((await subject._reader.look()).records)
        os.kill(running.nodes[2].pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: ("node_down", "node-3") in found)
        await operator.watch(5)
        found = json.loads((await command(running, "diagnose", "--json")).stdout)

    clock: Ticket = ("clock_skew", None)
    assert set(operator.history) == {("open", clock), ("open", ("node_down", "node-3"))}
    assert {one["code"] for one in found["findings"]} == {"clock_skew", "node_down"}
    assert size < 3 * 40


@pytest.mark.system
async def test_with_redis_away_nobodys_wall_clock_matters(faketime: Path, tmp_path: Path) -> None:
    """Nodes an hour behind and ahead, one of them started again meanwhile, and a subject two hours off."""
    ahead = (-clocks.HOUR, 0, clocks.HOUR)
    environments = clocks.Clocks(tmp_path, faketime, ahead).environments()
    async with AsyncExitStack() as stack:
        redis, running, _ = await calm_cluster(stack, environments_by_node=environments)
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        operator = Operator(subject)
        await operator.watch(4)
        skews = set(operator.open)
        os.kill(redis.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: DOWN in found)
        await running.nodes[0].child.stop(5)
        await running.start_again(running.nodes[0])
        os.kill(running.nodes[2].pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: ("node_down", "node-3") in found)
        await operator.watch(4)
        asked = ",".join(node.admin_url.removeprefix("http://") for node in running.nodes)
        run = await command(
            running,
            "diagnose",
            "--json",
            SUBJECT_NODES=asked,
            LD_PRELOAD=str(faketime),
            FAKETIME="-7200",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )

    assert skews == {("clock_skew", "node-1"), ("clock_skew", "node-3")}
    opened = {ticket for what, ticket in operator.history if what == "open"}
    assert opened == {*skews, DOWN, ("node_down", "node-3")}
    assert (run.returncode, run.stderr) == (1, "")
    found = {one["code"] for one in json.loads(run.stdout)["findings"]}
    assert {"store_down", "node_down"} <= found
