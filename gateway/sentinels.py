"""Who is the master, as the sentinels of a service say."""

import asyncio
import os
import socket
import ssl
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError

from gateway.contract.redis_url import RedisTarget
from gateway.errors import REDIS_TROUBLE

ANSWER_SECONDS = 0.4
"""How long a sentinel may take."""


class Sentinels(Sentinel):
    """redis-py's, which asks one after the other and believes the first: one that hangs would take the time
    of all, and one that was cut off names a master of the past.
    """

    def __init__(self, target: RedisTarget) -> None:
        timeouts = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
        options = target.sentinel_options() | timeouts | {"protocol": 2, "retry": Retry(NoBackoff(), 0)}
        super().__init__(target.addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call] # redis-py's own
        self._newest_epoch = 0

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Ask all at once, and believe the newest word of the first that make more than half.

        A word that is older than one heard before counts only where no sentinel has a newer one, as after
        they were all set up anew.

        Raises:
            MasterNotFoundError: none of them names a master that is up.
        """
        named: list[tuple[int, str, int]] = []
        problems: list[str] = []
        asked = [asyncio.create_task(self._ask(sentinel, service_name)) for sentinel in self.sentinels]
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    named.append(await answer)
                except REDIS_TROUBLE as error:
                    problems.append(reason(error))
                if 2 * len(named) > len(asked) and max(named)[0] >= self._newest_epoch:
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if not named:
            raise MasterNotFoundError("no sentinel names a master: " + ", ".join(dict.fromkeys(problems)))
        epoch, host, port = max(named)
        if epoch < self._newest_epoch and problems:
            raise MasterNotFoundError("the sentinels that answer name a master of the past")
        self._newest_epoch = epoch
        return host, port

    async def _ask(self, sentinel: Redis, service_name: str) -> tuple[int, str, int]:
        """The epoch of its word, and the master's address."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                masters: Any = await sentinel.sentinel_masters()
        except AuthenticationError:
            raise MasterNotFoundError("it lets nobody in: see sentinel_password in REDIS_URL") from None
        state = masters.get(service_name)
        if state is None:
            raise MasterNotFoundError(f"it does not know {service_name}")
        if not self.check_master_state(state, service_name):
            raise MasterNotFoundError(f"it sees {service_name} down")
        return state["config-epoch"], state["ip"], state["port"]


def reason(error: BaseException) -> str:
    """Why it does not work, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message} (ssl_ca_certs names further authorities)"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it: {(error.reason or str(error)).replace('_', ' ').lower()}"
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, socket.gaierror):
        return f"{cause.strerror}".lower()  # its numbers are the resolver's own
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return str(error).rstrip(".") or "no answer"
