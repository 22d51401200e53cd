"""A Redis that answers in time, and has more to say than there is time for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from loadtest import delay_proxy
from loadtest.delay_proxy import DelayProxy
from loadtest.redis_server import RedisServer
from subject import RateLimiterSubject
from subject.errors import RedisAwayError
from subject.telemetry.redis_client import connect, reading
from subject.telemetry.streams import PAGE
from tests.integration.subject.found import found_in
from tests.integration.subject.publishing import answering, patient, publish, subject_process
from tests.unit.subject.builders import entry, record

TIMEOUT_SECONDS = 0.3
LONG_PAGES = 60
"""More than are read in so many times the time-out as all of a look may take."""


MOST_LOOKS = 8
"""Each reads on, and on a busy machine less at a time."""


@asynccontextmanager
async def just_in_time(
    server: RedisServer, client: Redis, pages: int = LONG_PAGES
) -> AsyncIterator[tuple[str, DelayProxy]]:
    """The server behind a proxy where each answer comes in time, and all of a look would take a while."""
    async with client.pipeline(transaction=False) as pipe:
        for _ in range(pages * PAGE):
            pipe.xadd(keys.TELEMETRY, {"x": "y"})
            pipe.xadd(keys.AUDIT, {"x": "y"})
        await pipe.execute()
    async with delay_proxy.running("127.0.0.1", server.port) as proxy:
        proxy.delay_seconds = TIMEOUT_SECONDS / 5
        yield f"redis://127.0.0.1:{proxy.port}", proxy


async def test_a_redis_that_is_in_time_with_each_answer_and_not_with_all_is_said_not_to_answer(
    own_redis: RedisServer, own_client: Redis
) -> None:
    (alive,) = await publish(own_client, [record("node-1")])
    async with (
        just_in_time(own_redis, own_client, 2 * LONG_PAGES) as (url, _),
        answering(entry(alive)) as address,
    ):
        asks = {"SUBJECT_NODES": address, "SUBJECT_TIMEOUT_SECONDS": f"{TIMEOUT_SECONDS}"}
        commands = (["diagnose"], ["diagnose", "--since", "5m"], ["audit"])
        runs = [subject_process(*command, redis_url=url, settings=asks) for command in commands]
        diagnosis, since, audit = await asyncio.gather(*runs)

    assert (diagnosis.code, since.code, audit.code) == (1, 3, 3)
    assert "store_down" in diagnosis.out
    assert "(not all of it within 4.5 s)" in diagnosis.out
    for run in (since, audit):
        assert "does not answer (not all of it within 4.5 s): try again" in run.err


async def test_who_looks_again_and_again_goes_on_by_the_nodes_and_sees_it_when_it_is_quick_again(
    own_redis: RedisServer, own_client: Redis
) -> None:
    (alive,) = await publish(own_client, [record("node-1")])
    async with just_in_time(own_redis, own_client) as (url, proxy), answering(entry(alive)) as address:
        settings = patient(url).model_copy(update={"timeout_seconds": TIMEOUT_SECONDS, "nodes": address})
        async with RateLimiterSubject(settings=settings) as goes_on:
            slow = await goes_on.observe()
            proxy.delay_seconds = 0.0
            quick = await goes_on.observe()

    assert (slow["redis_connected"], quick["redis_connected"]) == (False, True)
    assert ("store_down", "cluster") in found_in(slow)
    assert [node["id"] for node in slow["nodes"]] == ["node-1"]


async def test_what_one_look_has_no_time_to_read_the_next_one_goes_on_with(
    own_redis: RedisServer, own_client: Redis
) -> None:
    await publish(own_client, [record("node-1")])
    async with just_in_time(own_redis, own_client) as (url, _):
        settings = patient(url).model_copy(update={"timeout_seconds": TIMEOUT_SECONDS})
        async with RateLimiterSubject(settings=settings) as goes_on:
            connected = [(await goes_on.observe())["redis_connected"]]
            while not connected[-1] and len(connected) < MOST_LOOKS:
                connected.append((await goes_on.observe())["redis_connected"])

    assert (connected[0], connected[-1]) == (False, True)


async def read_with_lost_cancellations(client: Redis) -> None:
    async with reading(client):
        while True:
            await client.ping()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)


async def test_reading_ends_in_time_though_a_cancellation_is_lost(own_redis: RedisServer) -> None:
    """On Python 3.11 `asyncio.wait_for`, which redis-py sends with, loses one that comes as it ends."""
    client = connect(f"redis://127.0.0.1:{own_redis.port}", 0.2)

    with pytest.raises(RedisAwayError, match="not all of it within"):
        await read_with_lost_cancellations(client)

    await client.aclose()
