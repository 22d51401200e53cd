"""What the protocol's calls return while Redis is away, and when it is back."""

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import StoreStatus, encode
from loadtest import redis_server
from loadtest.redis_server import RedisServer
from subject import RateLimiterSubject
from tests.integration.subject.publishing import answering, patient, publish, publish_cluster
from tests.unit.subject.builders import always, entry, even, record

STEADY = even(always(60), refused=always(5))


async def test_when_redis_dies_the_last_known_nodes_stay(own_redis: RedisServer, own_client: Redis) -> None:
    await publish_cluster(own_client, STEADY, 20)
    async with RateLimiterSubject(own_redis.url) as subject:
        before = await subject.observe()
        os.kill(own_redis.pid, signal.SIGKILL)
        started = time.monotonic()
        after = await subject.observe()

    assert time.monotonic() - started < 2
    assert after["redis_connected"] is False
    assert after["nodes"] == before["nodes"]
    assert [found["code"] for found in after["findings"]] == ["observer_blind"]


async def test_a_redis_that_hangs_costs_about_a_second(own_redis: RedisServer, own_client: Redis) -> None:
    await publish_cluster(own_client, STEADY, 5)
    async with RateLimiterSubject(own_redis.url) as subject:
        await subject.observe()
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            observation = await subject.observe()
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        back = await subject.observe()

    assert time.monotonic() - started < 3
    assert observation["redis_connected"] is False
    assert back["redis_connected"] is True


async def test_with_redis_away_the_nodes_are_asked(own_redis: RedisServer, own_client: Redis) -> None:
    await publish(own_client, [record("node-2")], ended_seconds_ago=1)
    (alive,) = await publish(own_client, [record("node-1")])
    answer = replace(alive, at=alive.at + 1, store=StoreStatus(False, 10, 5), sequence=9)
    async with answering(entry(answer)) as address:
        mine = replace(entry(alive), admin_address=address)
        await own_client.hset(keys.NODES, "node-1", encode(mine))
        async with RateLimiterSubject(own_redis.url) as subject:
            await subject.observe()
            os.kill(own_redis.pid, signal.SIGKILL)
            observation = await subject.observe()

    assert {node["id"]: node["state"] for node in observation["nodes"]} == {"node-1": "Up", "node-2": "Down"}
    assert [found["code"] for found in observation["findings"]] == ["store_down", "node_down"]


@pytest.mark.parametrize(
    ("late", "states"),
    [
        pytest.param([True], ["Up", "Up"], id="one late answer"),
        pytest.param([True, True], ["Down", "Up"], id="two"),
    ],
)
async def test_with_redis_away_a_node_is_down_where_it_is_late_twice_in_a_row(
    own_redis: RedisServer, own_client: Redis, late: list[bool], states: list[str]
) -> None:
    (alive,) = await publish(own_client, [record("node-1")])
    settings = patient(own_redis.url).model_copy(update={"timeout_seconds": 0.5})
    well = replace(alive, node_id="node-2")
    async with answering(entry(alive), late) as late_address, answering(entry(well)) as address:
        for state, at in ((alive, late_address), (well, address)):
            mine = replace(entry(state), admin_address=at)
            await own_client.hset(keys.NODES, state.node_id, encode(mine))
        async with RateLimiterSubject(settings=settings) as subject:
            await subject.observe()
            os.kill(own_redis.pid, signal.SIGKILL)
            looks = [await subject.observe() for _ in states]

    assert [node["state"] for look in looks for node in look["nodes"] if node["id"] == "node-1"] == states


async def test_nodes_that_a_redis_of_before_knew_are_not_forgotten(
    own_redis: RedisServer, own_client: Redis
) -> None:
    """Started again, it has lost all: a node that is back is there, one that was down still is."""
    await publish(own_client, [record("node-1"), record("node-2")])
    async with RateLimiterSubject(settings=patient(own_redis.url)) as subject:
        await subject.observe()
        os.kill(own_redis.pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, own_redis.pid, os.WEXITED | os.WNOWAIT)
        async with redis_server.running_beside(port=own_redis.port) as again:
            empty = await subject.observe()
            async with Redis.from_url(again.url, decode_responses=True) as client:
                await publish(client, [record("node-1", sequence=9)])
            back = await subject.observe()

    for seen in (empty, back):
        assert {node["id"] for node in seen["nodes"]} == {"node-1", "node-2"}
        assert seen["redis_connected"] is True
        assert "observer_blind" not in {found["code"] for found in seen["findings"]}
