"""One connection to Redis for counting, by redis-py. It never resends: a command is counted once or not."""

import asyncio
from collections.abc import Sequence

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from gateway.errors import REDIS_TROUBLE, StoreUnavailable

Command = tuple[str | int, ...]
Reply = object
"""What redis-py makes of a RESP2 reply: int, bytes, list or None; an error reply is a `ResponseError`."""

CONNECT_SECONDS = 1.0


class Wire:
    """Open it, send pipelines and receive their replies in order; after any `StoreUnavailable` close it."""

    def __init__(self, redis_url: str) -> None:
        """`redis_url` was checked when the settings were loaded."""
        self._pool = ConnectionPool.from_url(
            redis_url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=None,
            health_check_interval=0,
        )
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Connect, with authentication and the choice of the database.

        Raises:
            StoreUnavailable: nobody there, or not let in.
        """
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's own
        try:
            # redis-py bounds the TCP connection by its own timeout, and not what it then says to Redis.
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.connect()  # type: ignore[no-untyped-call] # redis-py's own
        except REDIS_TROUBLE as error:
            await connection.disconnect(nowait=True)
            raise StoreUnavailable(str(error) or "no answer") from error
        self._connection = connection

    async def send(self, commands: Sequence[Command]) -> None:
        """Write a pipeline. Concurrent with `receive`, not with itself."""
        connection = self._opened()
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        except REDIS_TROUBLE as error:
            raise StoreUnavailable(str(error)) from error

    async def receive(self, count: int) -> list[Reply]:
        """The next `count` replies; an error reply is returned in its place."""
        connection = self._opened()
        return [await self._reply(connection) for _ in range(count)]

    async def _reply(self, connection: Connection) -> Reply:
        try:
            reply: Reply = await connection.read_response(disable_decoding=True)
        except ResponseError as error:
            return error
        except REDIS_TROUBLE as error:
            raise StoreUnavailable(str(error)) from error
        return reply

    def _opened(self) -> Connection:
        # redis-py would connect anew by itself, and send over that connection what belongs to the last.
        if self._connection is None or not self._connection.is_connected:
            raise StoreUnavailable("not connected")
        return self._connection

    async def close(self) -> None:
        """Drop the connection and whatever is under way on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
