"""A thousand slow clients at a node that is a process of its own, beside a good one."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.integration.gateway.client import request
from tests.integration.gateway.processes import node_process
from tests.soak.service import serving
from tests.soak.slow import BODIES, HEADS, attacked

GOOD_PER_SECOND = 30.0
MOST_GROWTH_BYTES = 20 << 20
"""Half of it is what a node keeps for the next crowd; a leak would be more with each."""


STOPPED_SECONDS = 3.0
WAITING = {"nothing": b"", "a part of a head": b"GET / HTTP/1.1\r\nHost"}


@pytest.mark.parametrize("begun", WAITING.values(), ids=WAITING)
async def test_what_waits_while_the_node_itself_stands_still_is_not_late(
    redis_url: str, tmp_path: Path, begun: bytes
) -> None:
    settings = {"GATEWAY_HEADER_TIMEOUT": "2", "GATEWAY_IDLE_TIMEOUT": "2", "REDIS_URL": redis_url}
    settings |= {"GATEWAY_STORE_DEADLINE": "2"}
    async with (
        serving() as url,
        node_process(tmp_path, **settings, GATEWAY_UPSTREAM_URL=url) as node,
        await node.connect() as client,
    ):
        assert (await client.get()).status == 200
        await client.send(begun)
        node.process.send_signal(signal.SIGSTOP)
        try:
            await client.send(request().removeprefix(begun))
            await asyncio.sleep(STOPPED_SECONDS)
        finally:
            node.process.send_signal(signal.SIGCONT)
        assert (await client.answer()).status == 200


async def test_slow_clients_are_left_and_leave_nothing_and_a_good_one_is_served_all_the_while(
    redis_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_DEFAULT_LIMIT": "1000000/m", "GATEWAY_STORE_DEADLINE": "2", "REDIS_URL": redis_url}
    settings |= {"GATEWAY_HEADER_TIMEOUT": "3", "GATEWAY_BODY_TIMEOUT": "3"}
    async with serving() as url, node_process(tmp_path, **settings, GATEWAY_UPSTREAM_URL=url) as node:
        outcome = await attacked(node, HEADS, BODIES, GOOD_PER_SECOND)
        log = node.log.read_text()

    assert outcome.good_answers > 30
    assert outcome.good_failures == 0
    # Whoever sends a byte in the moment of the close can miss what it is told.
    assert HEADS * 0.95 < outcome.heads.answers["408"] <= HEADS
    assert BODIES * 0.9 < outcome.bodies.answers["408"] <= BODIES
    assert {*outcome.heads.answers, *outcome.bodies.answers} <= {"408", "nothing"}
    assert outcome.after.timeouts["head"] == HEADS
    assert outcome.after.timeouts["body"] == BODIES
    assert outcome.growth_bytes < MOST_GROWTH_BYTES
    assert outcome.after.descriptors <= outcome.before.descriptors + 3
    assert outcome.after.tasks <= outcome.before.tasks + 5
    assert "ERROR" not in log
    assert "Traceback" not in log
