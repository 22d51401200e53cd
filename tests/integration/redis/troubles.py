"""What a Redis may do to its clients, done to a real one and undone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from loadtest import redis_server
from loadtest.redis_server import RedisServer
from tests.integration.gateway.node import eventually

PASSWORD = "right"
_LOADED_KEYS = 2000
_LOADED_BYTES = 2000
_LOADING_SECONDS = 60.0
OPTIONS = ("--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
"""Of a server that can be brought into each trouble; while it loads it answers between two keys."""


class Operator:
    """A connection that was there before the trouble, and stays."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self._redis = Redis.from_url(
            server.url,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_LOADING_SECONDS,
        )
        self._loading: asyncio.Task[Any] | None = None

    async def says(self, *commands: str) -> None:
        """Run commands, one after the other."""
        for command in commands:
            await self._execute(*[word.replace("_", " ") for word in command.split()])

    async def starts_to_load(self) -> None:
        """Let the server read its data from the disk again, for as long as it takes."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in range(_LOADED_KEYS):
                pipe.set(f"loaded:{number}", "x" * _LOADED_BYTES)
            await pipe.execute()
        await self.says("CONFIG SET rdbcompression no", "CONFIG SET key-load-delay 5000")
        self._loading = asyncio.create_task(self._execute("DEBUG", "RELOAD"))
        async with Redis.from_url(self.server.url, decode_responses=True) as other:
            await eventually(partial(other.info, "persistence"), lambda info: info["loading"])

    async def _execute(self, *words: str) -> None:
        await self._redis.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py's own

    async def lets_it_finish(self) -> None:
        """The rest of the data is read at once."""
        async with Redis.from_url(self.server.url) as other:
            await other.config_set("key-load-delay", 0)
        assert self._loading is not None
        await self._loading

    async def aclose(self) -> None:
        """Leave."""
        await self._redis.aclose()


@asynccontextmanager
async def troubled_server(trouble: "Trouble") -> AsyncIterator[Operator]:
    """A server that can be brought into this trouble, with its operator."""
    with redis_server.running(*OPTIONS) as server:
        operator = Operator(server)
        await operator.says("PING", *trouble.prepared)
        try:
            yield operator
        finally:
            await operator.aclose()


@dataclass(frozen=True)
class Trouble:
    """How it begins and ends; `told` are words that a node's log and the subject then have.

    `url`: what the nodes' REDIS_URL is, with the server's port. `prepared`: what the operator says before
    all. `loads`: it is loading that begins and ends.
    """

    name: str
    told: str
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    url: str = "redis://127.0.0.1:{port}/0"
    prepared: tuple[str, ...] = ()
    loads: bool = False

    async def begin(self, operator: Operator) -> None:
        """Bring it about."""
        if self.loads:
            await operator.starts_to_load()
        await operator.says(*self.begins)

    async def end(self, operator: Operator) -> None:
        """Be well again."""
        await operator.says(*self.ends)
        if self.loads:
            await operator.lets_it_finish()


_DISCONNECT = "CLIENT KILL TYPE normal SKIPME yes"
_NOWHERE = "127.0.0.1 1"
TROUBLES = (
    Trouble(
        "OOM",
        "raise its maxmemory",
        begins=("CONFIG SET maxmemory 1",),
        ends=("CONFIG SET maxmemory 0",),
    ),
    Trouble(
        "READONLY",
        "it is a replica",
        begins=(f"REPLICAOF {_NOWHERE}",),
        ends=("REPLICAOF NO ONE",),
    ),
    Trouble(
        "MASTERDOWN",
        "it is a replica",
        prepared=("CONFIG SET replica-serve-stale-data no",),
        begins=(f"REPLICAOF {_NOWHERE}",),
        ends=("REPLICAOF NO ONE",),
    ),
    Trouble("LOADING", "wait until it has", loads=True),
    Trouble(
        "NOAUTH",
        "asks for a password",
        begins=("ACL SETUSER default resetpass >hunter2", _DISCONNECT),
        ends=("ACL SETUSER default nopass",),
    ),
    Trouble(
        "WRONGPASS",
        "the password is wrong",
        url=f"redis://:{PASSWORD}@127.0.0.1:{{port}}/0",
        prepared=(f"CONFIG SET requirepass {PASSWORD}",),
        begins=("CONFIG SET requirepass hunter2", _DISCONNECT),
        ends=(f"CONFIG SET requirepass {PASSWORD}",),
    ),
    Trouble(
        "NOPERM",
        "its user lacks a right",
        begins=("ACL SETUSER default -hincrby",),
        ends=("ACL SETUSER default +hincrby",),
    ),
    Trouble(
        "maxclients",
        "raise its maxclients",
        begins=("CONFIG SET maxclients 1", _DISCONNECT),
        ends=("CONFIG SET maxclients 100",),
    ),
)
