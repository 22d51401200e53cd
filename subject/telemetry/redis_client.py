"""The subject's client of Redis, and what its errors say."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.contract.redis_errors import is_known
from gateway.contract.redis_url import parse_redis_url
from subject.errors import RedisAwayError, RedisRefusesError

TIMED_OUT = "timed out"
MOST_TIMEOUTS = 15
"""So many times as long as one answer may take, all that is asked for at one time may."""
WRONG_TYPE = "WRONGTYPE"
"""So begins Redis' answer where a key holds something else than the command is for."""


_deadline: ContextVar["asyncio.Timeout | None"] = ContextVar("deadline", default=None)
"""Of what `reading` bounds."""


class _Client(Redis):
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Raises the cancellation of `reading` again where redis-py has lost it.

        It sends with `asyncio.wait_for`, which on Python 3.11 returns normally if it is cancelled as it ends
        (https://github.com/python/cpython/issues/86296).
        """
        deadline = _deadline.get()
        if deadline is not None and deadline.expired():
            raise asyncio.CancelledError
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py's own

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """All of it: redis-py leaves the connections to the sentinels to its caller.

        A server that hangs does not answer the good-bye of TLS, which is then not waited for.
        """
        with suppress(RedisError, OSError):
            await super().aclose(close_connection_pool)
        if isinstance(self.connection_pool, SentinelConnectionPool):
            with suppress(RedisError, OSError):
                await self.connection_pool.sentinel_manager.aclose()


def connect(url: str, timeout_seconds: float) -> Redis:
    """A client that gives up after `timeout_seconds` and repeats nothing by itself."""
    target = parse_redis_url(url)
    patience = {
        "protocol": 2,  # the greeting of a later one fails by itself where a password is asked for
        "socket_connect_timeout": timeout_seconds,
        "socket_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
    }
    options = target.options() | patience | {"decode_responses": True, "encoding_errors": "replace"}
    if target.service is None:
        return _Client(**options)
    sentinels = Sentinel(target.addresses, sentinel_kwargs=target.sentinel_options() | patience)  # type: ignore[no-untyped-call] # redis-py's own
    client: Redis = sentinels.master_for(target.service, redis_class=_Client, **options)
    return client


async def follow(client: Redis) -> None:
    """Where sentinels are asked: leave a server that they no longer call the master.

    It goes on as one for some seconds, and would be read as if nothing were written any more.
    """
    if isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.get_master_address()  # type: ignore[no-untyped-call] # redis-py's own


def place(client: Redis) -> str:
    """Where its Redis is: host:port, a socket's path or the sentinels' service; without user and password."""
    options = client.connection_pool.connection_kwargs
    if isinstance(client.connection_pool, SentinelConnectionPool):
        return f"master {client.connection_pool.service_name}"
    host = options.get("host", "localhost")
    address = f"[{host}]" if ":" in host else host
    return str(options.get("path") or f"{address}:{options.get('port', 6379)}")


@contextmanager
def redis_errors_mapped(client: Redis) -> Iterator[None]:
    """An error that Redis answers with becomes RedisRefusesError, all else that goes wrong RedisAwayError."""
    try:
        yield
    except (RedisError, OSError) as error:
        if _is_an_answer(error):
            raise RedisRefusesError(place(client), words(error)) from None
        raise RedisAwayError(place(client), _reason(error)) from None


@asynccontextmanager
async def reading(client: Redis) -> AsyncIterator[None]:
    """For what is only read within this: errors as `redis_errors_mapped` has them.

    It ends in time too: a Redis of which each answer comes just in time may have very many to give.

    Raises:
        RedisAwayError: Redis has not answered all of it within `MOST_TIMEOUTS` times the client's time-out.
    """
    of_one = client.connection_pool.connection_kwargs.get("socket_timeout")
    seconds = None if of_one is None else MOST_TIMEOUTS * of_one
    deadline = asyncio.timeout(seconds)
    token = _deadline.set(deadline)
    try:
        with redis_errors_mapped(client):
            async with deadline:
                yield
    except RedisAwayError:
        if deadline.expired():
            raise RedisAwayError(place(client), f"not all of it within {seconds:g} s") from None
        raise
    finally:
        _deadline.reset(token)


def _is_an_answer(error: BaseException) -> bool:
    """Whether Redis said it; for redis-py some of that is an error of the connection."""
    return isinstance(error, ResponseError | AuthenticationError) or is_known(str(error))


def _reason(error: BaseException) -> str:
    """The operating system's word for it, where there is one, is the shortest."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, socket.gaierror):
        return f"{cause.strerror}".lower()  # its numbers are the resolver's own
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return TIMED_OUT if isinstance(error, RedisTimeoutError) else words(error)


def refused(client: Redis, key: str, kind: str, error: ResponseError) -> RedisRefusesError:
    """What to raise where a reply is an error; the reason names the key where that is no hash, stream, …"""
    reason = f"{key} is no {kind}" if WRONG_TYPE in str(error) else words(error)
    return RedisRefusesError(place(client), reason)


def words(error: BaseException) -> str:
    """What an error says, as a part of a sentence."""
    return str(error).rstrip(".") or type(error).__name__
