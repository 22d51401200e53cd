"""Faults, done by real parts: signals, memory, proxies on the way, other processes; not by a node itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.contract import keys
from gateway.contract.overrides import LIMIT_FIELD
from loadtest import followed_file, redis_server
from loadtest.child import StartError
from loadtest.cluster import Cluster, Node
from loadtest.delay_proxy import DelayProxy
from loadtest.redis_server import RedisServer
from loadtest.scenarios import fault as faults
from loadtest.scenarios.fault import Fault
from loadtest.upstream_behaviour import Behaviour

ROOM_BYTES = 1_000_000
"""What the nodes' own records need meanwhile; so much does the neighbour write, too."""

VALUE = b"x" * 4000
FILL_SECONDS = 0.1
VALUES_AT_ONCE = 50
EXPIRY_SECONDS = 600
LEAVE_SECONDS = 10.0


@dataclass(slots=True)
class Site:
    """What faults are put on. `proxies` are the nodes' ways to Redis; what `servers` holds outlives nodes."""

    cluster: Cluster
    redis: RedisServer
    proxies: Mapping[str, DelayProxy]
    servers: AsyncExitStack

    def node(self, node_id: str) -> Node:
        """The node of that name."""
        return next(node for node in self.cluster.nodes if node.id == node_id)


@asynccontextmanager
async def injected(fault: Fault, site: Site) -> AsyncIterator[None]:
    """The fault holds while the context lasts.

    Raises:
        StartError: a part of it, or what it took down, does not start.
    """
    async with AsyncExitStack() as stack:
        await _begin(fault, site, stack)
        yield


async def _begin(fault: Fault, site: Site, stack: AsyncExitStack) -> None:
    match fault:
        case (
            faults.NodeKilled()
            | faults.NodeFrozen()
            | faults.NodeRestarted()
            | faults.NodeClock()
            | faults.NodeTwice()
        ):
            await _at_node(fault, site, stack)
        case faults.RedisSlow():
            for node_id in fault.node_ids or site.proxies:
                stack.callback(setattr, site.proxies[node_id], "delay_seconds", 0.0)
                site.proxies[node_id].delay_seconds = fault.delay_seconds
        case faults.RedisFrozen():
            _freeze(site.redis.pid, stack)
        case faults.RedisKilled():
            stack.push_async_callback(_new_redis, site)
            os.kill(site.redis.pid, signal.SIGKILL)
        case faults.RedisFull():
            await stack.enter_async_context(_filled(site.redis.url))
        case faults.UpstreamTroubled():
            file = site.cluster.upstream_behaviour
            stack.callback(followed_file.replace, file, Behaviour())
            followed_file.replace(file, Behaviour(fault.delay_seconds, fault.failing_ratio))
        case faults.OverrideMalformed():
            await stack.enter_async_context(_malformed(site.redis.url, fault.client_id))


async def _at_node(
    fault: faults.NodeKilled | faults.NodeFrozen | faults.NodeRestarted | faults.NodeClock | faults.NodeTwice,
    site: Site,
    stack: AsyncExitStack,
) -> None:
    node = site.node(fault.node_id)
    match fault:
        case faults.NodeKilled():
            stack.push_async_callback(site.cluster.start_again, node)
            node.child.kill()
        case faults.NodeFrozen():
            _freeze(node.pid, stack)
        case faults.NodeRestarted():
            await _restarted(site, fault.node_id, dict(fault.environment), stack)
        case faults.NodeClock():
            await _restarted(site, fault.node_id, _clock(fault.seconds), stack)
        case faults.NodeTwice():
            other = await site.cluster.start_another(fault.node_id)
            stack.push_async_callback(other.child.stop, LEAVE_SECONDS)


def _freeze(pid: int, stack: AsyncExitStack) -> None:
    def go_on() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    stack.callback(go_on)
    os.kill(pid, signal.SIGSTOP)


async def _new_redis(site: Site) -> None:
    site.redis = await site.servers.enter_async_context(redis_server.running_beside(port=site.redis.port))


async def _restarted(site: Site, node_id: str, environment: Mapping[str, str], stack: AsyncExitStack) -> None:
    """What has the settings that it should have is left as it is afterwards."""
    node = site.node(node_id)

    async def start(with_environment: Mapping[str, str]) -> None:
        await node.child.stop(LEAVE_SECONDS)
        await site.cluster.start_again(node, with_environment)

    if environment:
        stack.push_async_callback(start, {})
    await start(environment)


def faketime_library() -> Path:
    """What a wrong clock takes, in its variant for programs with threads.

    Raises:
        StartError: it is not there.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)  # as Debian installs it
    if library is None:
        raise StartError("a wrong clock needs libfaketime: apt install libfaketime")
    return library


def _clock(seconds: int) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(faketime_library()),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@asynccontextmanager
async def _filled(redis_url: str) -> AsyncIterator[None]:
    """Room for little more, and somebody who takes it, with keys that expire: so others' may have to go."""
    async with Redis.from_url(redis_url) as redis:
        used = int((await redis.info("memory"))["used_memory"])
        before = await redis.config_get("maxmemory*")
        await redis.config_set("maxmemory-policy", "volatile-lru")
        await redis.config_set("maxmemory", used + 2 * ROOM_BYTES)
        filling = asyncio.create_task(_fill(redis))
        try:
            yield
        finally:
            filling.cancel()
            with suppress(asyncio.CancelledError, RedisError):
                await filling
            for name in ("maxmemory", "maxmemory-policy"):
                await redis.config_set(name, str(before[name]))


async def _fill(redis: Redis) -> None:
    number = 0
    while True:
        async with redis.pipeline(transaction=False) as pipeline:
            for name in range(number, number + VALUES_AT_ONCE):
                pipeline.set(f"neighbour:{name}", VALUE, ex=EXPIRY_SECONDS)
            await pipeline.execute()
        number += VALUES_AT_ONCE
        await asyncio.sleep(FILL_SECONDS)


@asynccontextmanager
async def _malformed(redis_url: str, client_id: str) -> AsyncIterator[None]:
    name = LIMIT_FIELD + client_id
    async with Redis.from_url(redis_url) as redis:
        await redis.hset(keys.OVERRIDES, name, "no limit")
        try:
            yield
        finally:
            await redis.hdel(keys.OVERRIDES, name)
