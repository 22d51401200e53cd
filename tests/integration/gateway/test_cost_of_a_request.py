"""What a request costs, counted: calls of functions, commands to Redis. No times, which say little here.

A bound that is broken by a feature may be raised, with the figures of `make bench` before and after.
"""

import sys
from collections.abc import Awaitable, Callable
from statistics import median
from types import FrameType
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway import __file__ as gateway_package
from tests.integration.gateway.client import Client, request
from tests.integration.gateway.node import Node

StartNode = Callable[..., Awaitable[Node]]

REQUESTS = 200
OURS = gateway_package.removesuffix("__init__.py")


class Calls:
    """Counts calls that the gateway's code makes, of its own functions and of others' in C."""

    def __init__(self) -> None:
        self.python = self.c = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if frame.f_code.co_filename.startswith(OURS):
            self.python += event == "call"
            self.c += event == "c_call"

    def __enter__(self) -> "Calls":
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


async def calls_of(client: Client, message: bytes, status: int) -> tuple[float, float]:
    """In the median of requests of which one follows the other: now and then a timer's are among them."""
    for _ in range(20):
        await client.send(message)
        assert (await client.answer()).status == status
    found = []
    for _ in range(REQUESTS):
        with Calls() as calls:
            await client.send(message)
            assert (await client.answer()).status == status
        found.append((calls.python, calls.c))
    return median(python for python, _ in found), median(c for _, c in found)


GET = request(key=b"k")
POST = request(key=b"k", method=b"POST", body=b"x" * 4096)


@pytest.mark.source  # compiled, they are no calls that a profile sees
@pytest.mark.parametrize(
    ("message", "limit", "status", "python", "c"),
    [
        pytest.param(GET, "1000000/m", 200, 152, 146, id="allowed"),
        pytest.param(POST, "1000000/m", 200, 153, 155, id="allowed with a body"),
        pytest.param(GET, "1/h", 429, 46, 37, id="refused"),
    ],
)
async def test_a_plain_request_costs_so_many_calls(
    start_node: StartNode, message: bytes, limit: str, status: int, python: int, c: int
) -> None:
    """Alone, so that all that a pipeline costs is its own."""
    node = await start_node(default_limit=limit, fast_lane=True)
    async with await node.connect() as client:
        await client.get(key=b"k")
        calls = await calls_of(client, message, status)

    assert calls <= (python, c), f"{calls[0]:.1f} of the gateway's functions, and {calls[1]:.1f} in C"
    assert calls[1] <= c


async def commands(redis: Redis) -> int:
    """How many Redis has worked on, but for those that ask for this number."""
    stats = await redis.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if name not in ("cmdstat_info", "cmdstat_ping"))


@pytest.mark.parametrize(("limit", "status", "most"), [("1000000/m", 200, 5.4), ("1/h", 429, 0.4)])
async def test_a_request_asks_redis_for_so_many_commands(
    start_node: StartNode, redis_client: Redis, limit: str, status: int, most: float
) -> None:
    """Alone: TIME twice, HINCRBY, HMGET and PEXPIRE. A refusal is remembered for a quarter of a second."""
    node = await start_node(default_limit=limit)
    async with await node.connect() as client:
        await client.get(key=b"k")
        before = await commands(redis_client)
        for _ in range(REQUESTS):
            assert (await client.get(key=b"k")).status == status

    asked = (await commands(redis_client) - before) / REQUESTS
    assert asked <= most, f"{asked:.2f} commands a request"
