"""A master that is replaced while it is in use."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest
from redis.asyncio import Redis

from gateway.contract.redis_url import parse_redis_url
from gateway.errors import REDIS_TROUBLE, StoreUnavailable
from gateway.master_pool import MasterPool
from gateway.redis_endpoint import Endpoint
from loadtest import redis_server
from tests.integration.gateway.node import eventually
from tests.integration.redis.sentinels import Replicated, is_master, pointed, replicated

DEAD_SECONDS = 15.0
"""Until the sentinels have found a master dead, agreed, and made the replica one."""
MOST_TURNS = 60
"""Of the event loop, within which a question by a new connection is answered."""
ROUNDS = 5
NOBODY = ("127.0.0.1", 1)


class Held(asyncio.Protocol):
    """A connection that is held until it is lost."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, _: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        self.lost.set()


@pytest.fixture
async def redis() -> AsyncIterator[Replicated]:
    """A master, a replica and three sentinels."""
    async with replicated() as started:
        yield started


@pytest.fixture
async def endpoint(redis: Replicated) -> AsyncIterator[Endpoint]:
    """A node's way to them, which follows the master."""
    opened = Endpoint(parse_redis_url(redis.url))
    following = asyncio.create_task(opened.follow())
    yield opened
    following.cancel()
    await opened.aclose()


async def port(endpoint: Endpoint) -> int:
    """Whom it connects to."""
    transport, _ = await endpoint.connect(asyncio.Protocol)
    connected: int = transport.get_extra_info("peername")[1]
    transport.abort()
    return connected


async def port_or_none(endpoint: Endpoint) -> int | None:
    """Whom it connects to, if anybody."""
    try:
        return await port(endpoint)
    except StoreUnavailable:
        return None


async def test_a_connection_to_the_last_master_is_left_though_that_one_goes_on(
    redis: Replicated, endpoint: Endpoint
) -> None:
    first, second = redis.servers
    async with endpoint.client() as client:
        await client.set("written", "before")
        transport, held = await endpoint.connect(Held)
        assert transport.get_extra_info("peername")[1] == first.port

        await redis.fail_over()
        await eventually(lambda: is_master(second), bool)
        await asyncio.wait_for(held.lost.wait(), 2)

        assert await is_master(first)
        assert await port(endpoint) == second.port
        assert await client.get("written") == "before"
        await client.set("written", "after")
    async with Endpoint(parse_redis_url(second.url)).client() as direct:
        assert await direct.get("written") == "after"


async def test_a_killed_master_is_replaced_by_its_replica(redis: Replicated, endpoint: Endpoint) -> None:
    first, second = redis.servers
    _, held = await endpoint.connect(Held)

    os.kill(first.pid, signal.SIGKILL)

    await asyncio.wait_for(held.lost.wait(), 2)
    await eventually(lambda: port_or_none(endpoint), lambda found: found == second.port, DEAD_SECONDS)
    async with endpoint.client() as client:
        await client.set("written", "after")


async def server_of(client: Redis) -> int | None:
    """The port of whom it asks, if that answers."""
    try:
        return int((await client.info("server"))["tcp_port"])
    except REDIS_TROUBLE:
        return None


async def test_a_client_leaves_the_last_master_though_the_connection_that_counts_went_first() -> None:
    with redis_server.running() as one, redis_server.running() as two, pointed(one.port) as sentinel:
        endpoint = Endpoint(parse_redis_url(sentinel.url))
        client = endpoint.client()
        assert await server_of(client) == one.port
        await sentinel.at(two.port)
        assert await port(endpoint) == two.port

        following = asyncio.create_task(endpoint.follow())
        await eventually(partial(server_of, client), lambda found: found == two.port)
        following.cancel()
        await endpoint.aclose()


async def test_a_connection_that_is_left_at_whatever_moment_fails_as_if_the_server_had_gone() -> None:
    with redis_server.running() as server, pointed(server.port) as sentinel:
        endpoint = Endpoint(parse_redis_url(sentinel.url))
        client = endpoint.client()
        pool = client.connection_pool
        assert isinstance(pool, MasterPool)
        for turns in [*range(MOST_TURNS)] * ROUNDS:
            asked = asyncio.ensure_future(client.get("any"))
            for _ in range(turns):
                await asyncio.sleep(0)
            pool.keep_to(NOBODY)
            (outcome,) = await asyncio.gather(asked, return_exceptions=True)
            assert outcome is None or isinstance(outcome, REDIS_TROUBLE), repr(outcome)
        with suppress(*REDIS_TROUBLE):  # the last one may not have heard of it
            await client.get("any")
        assert await client.get("any") is None
        await endpoint.aclose()


async def test_sentinels_that_cannot_name_a_master_are_told(redis: Replicated) -> None:
    unknown = Endpoint(parse_redis_url(redis.url.replace("/main", "/other")))

    with pytest.raises(StoreUnavailable, match=r"no sentinel names a master: it does not know other$"):
        await unknown.connect(asyncio.Protocol)

    await unknown.aclose()


async def test_sentinels_may_ask_for_a_user_of_their_own_that_may_do_little() -> None:
    user = "user node on >s%cret ~* &* -@all +sentinel|masters +client|setinfo\nuser default off\n"
    with redis_server.running("--requirepass", "of the server") as master:
        watch = f"sentinel monitor main 127.0.0.1 {master.port} 1\nsentinel auth-pass main of-the-server\n"
        with redis_server.running("--sentinel", configuration=watch + user) as sentinel:
            place = f"redis+sentinel://:of%20the%20server@127.0.0.1:{sentinel.port}/main"
            known = Endpoint(parse_redis_url(f"{place}?sentinel_username=node&sentinel_password=s%25cret"))
            unknown = Endpoint(parse_redis_url(place))

            assert await port(known) == master.port
            with pytest.raises(StoreUnavailable, match="lets nobody in: see sentinel_password"):
                await unknown.connect(asyncio.Protocol)
            await known.aclose()
            await unknown.aclose()


async def test_one_sentinel_that_is_left_is_enough_and_one_that_hangs_costs_no_time(
    redis: Replicated, endpoint: Endpoint
) -> None:
    first, second, _ = redis.sentinels
    os.kill(first.pid, signal.SIGSTOP)
    loop = asyncio.get_running_loop()
    try:
        started = loop.time()
        assert await port(endpoint) == redis.servers[0].port
        assert loop.time() - started < 0.3
        os.kill(second.pid, signal.SIGKILL)
        assert await port(endpoint) == redis.servers[0].port
    finally:
        os.kill(first.pid, signal.SIGCONT)
