"""Sentinels and the servers that they watch, as processes."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from loadtest import redis_server
from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually

SERVICE = "main"
DOWN_AFTER_MILLISECONDS = 400
"""How long a master is silent before a sentinel takes it for dead."""
_CONFIGURATION = f"""\
sentinel monitor {SERVICE} 127.0.0.1 {{port}} 2
sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MILLISECONDS}
sentinel failover-timeout {SERVICE} 3000
"""
_WHILE_THEY_MEET = ["info-period", "100", "publish-period", "100"]
_AFTERWARDS = ["publish-period", "2000"]  # four of them pass before a replica that says master is made one


@dataclass(frozen=True)
class Replicated:
    """Two servers, the first of which is the master, and those who watch them."""

    servers: tuple[RedisServer, RedisServer]
    sentinels: tuple[RedisServer, ...]

    @property
    def url(self) -> str:
        """REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    async def fail_over(self) -> None:
        """Ask a sentinel to make the replica the master."""
        async with client_of(self.sentinels[0]) as sentinel:
            await sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)  # type: ignore[no-untyped-call] # redis-py's own


@asynccontextmanager
async def replicated(*options: str) -> AsyncIterator[Replicated]:
    """All of them, when every sentinel knows the replica and the other sentinels."""
    async with AsyncExitStack() as stack:
        options = ("--repl-diskless-sync-delay", "0", *options)
        master = stack.enter_context(redis_server.running(*options))
        replica = stack.enter_context(
            redis_server.running("--replicaof", "127.0.0.1", str(master.port), *options)
        )
        configuration = _CONFIGURATION.format(port=master.port)
        sentinels = tuple(
            stack.enter_context(redis_server.running("--sentinel", configuration=configuration))
            for _ in range(3)
        )
        await _tuned(sentinels, _WHILE_THEY_MEET)
        for sentinel in sentinels:
            await eventually(partial(_knows_all, sentinel), bool)
        await _tuned(sentinels, _AFTERWARDS)
        yield Replicated((master, replica), sentinels)


@dataclass(frozen=True)
class Pointed:
    """A sentinel that names whom it is told to."""

    sentinel: RedisServer

    @property
    def url(self) -> str:
        """REDIS_URL."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{SERVICE}"

    async def at(self, port: int) -> None:
        """Name the server at `port`, and all that it has said before is void."""
        async with client_of(self.sentinel) as client:
            await client.execute_command("SENTINEL", "REMOVE", SERVICE)  # type: ignore[no-untyped-call] # redis-py's own
            await client.execute_command("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", port, 1)  # type: ignore[no-untyped-call] # redis-py's own


@contextmanager
def pointed(port: int, *options: str) -> Iterator[Pointed]:
    """One that names the server at `port` to begin with."""
    monitor = f"sentinel monitor {SERVICE} 127.0.0.1 {port} 1\n"
    with redis_server.running("--sentinel", *options, configuration=monitor) as sentinel:
        yield Pointed(sentinel)


async def _tuned(sentinels: Iterable[RedisServer], periods: Iterable[str]) -> None:
    for sentinel in sentinels:
        async with client_of(sentinel) as client:
            await client.execute_command("SENTINEL", "DEBUG", *periods)  # type: ignore[no-untyped-call] # redis-py's own


async def _knows_all(sentinel: RedisServer) -> bool:
    async with client_of(sentinel) as client:
        masters: Any = await client.sentinel_masters()
        replicas = await client.sentinel_slaves(SERVICE)
    linked = any(replica["master-link-status"] == "ok" for replica in replicas)
    return linked and bool(masters[SERVICE]["num-other-sentinels"] == 2)


async def is_master(server: RedisServer) -> bool:
    """Whether a server takes itself for one; while it is being made a replica it ends its connections."""
    try:
        async with client_of(server) as client:
            reply: Any = await client.role()
    except RedisError:
        return False
    return bool(reply[0] == "master")


def client_of(server: RedisServer) -> Redis:
    """A client of a server or a sentinel."""
    client: Redis = Redis.from_url(server.url, protocol=2, decode_responses=True)
    return client
