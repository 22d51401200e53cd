"""Where Redis is and how to get in: TCP, TLS, a Unix socket, or whom the sentinels call the master."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.contract.redis_url import RedisTarget, Tls
from gateway.contract.tls import modern
from gateway.errors import REDIS_TROUBLE, StartError, StoreUnavailable
from gateway.master_pool import MasterPool
from gateway.sentinels import Sentinels, reason

CONNECT_SECONDS = 1.0
REDIS_SECONDS = 1.0
FOLLOW_SECONDS = 0.5
"""How often the sentinels are asked whether the master is still the one that is connected to."""

logger = logging.getLogger(__name__)

Protocol = TypeVar("Protocol", bound=asyncio.BaseProtocol)


class Endpoint:
    """Gives connections for counting (`connect`, then say `greeting`), and the client for all else."""

    def __init__(self, target: RedisTarget) -> None:
        """Reads the files of certificates that `target` names.

        Raises:
            StartError: one of them cannot be used.
        """
        self._target = target
        self._ssl = None if target.tls is None else _ssl_context(target.tls)
        self._sentinels = None if target.service is None else Sentinels(target)
        self._master: tuple[str, int] | None = None
        self._transport: asyncio.Transport | None = None
        self._clients: list[Redis] = []
        self._pools: list[MasterPool] = []

    @property
    def greeting(self) -> tuple[tuple[str | int, ...], ...]:
        """What to say first on a connection: user and password, and the database."""
        target = self._target
        commands: list[tuple[str | int, ...]] = []
        if target.username:
            commands.append(("AUTH", target.username, target.password or ""))
        elif target.password:
            commands.append(("AUTH", target.password))
        if target.database:
            commands.append(("SELECT", target.database))
        return tuple(commands)

    async def connect(self, protocol_factory: Callable[[], Protocol]) -> tuple[asyncio.Transport, Protocol]:
        """A new connection within `CONNECT_SECONDS`; sentinels are asked for the master each time.

        Raises:
            StoreUnavailable: there is none; one sentence that says where and why.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._connect(protocol_factory)
        except TimeoutError:
            raise StoreUnavailable(f"{self._target.place} does not answer") from None
        except REDIS_TROUBLE as error:
            raise StoreUnavailable(f"{self._target.place}: {reason(error)}") from error

    async def _connect(self, protocol_factory: Callable[[], Protocol]) -> tuple[asyncio.Transport, Protocol]:
        loop = asyncio.get_running_loop()
        if self._target.path is not None:
            return await loop.create_unix_connection(protocol_factory, self._target.path)
        host, port = await self._address()
        self._master = host, port
        name = host if self._ssl is not None else None
        transport, protocol = await loop.create_connection(
            protocol_factory, host, port, ssl=self._ssl, server_hostname=name
        )
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._transport = transport
        return transport, protocol

    async def _address(self) -> tuple[str, int]:
        if self._sentinels is None:
            return self._target.addresses[0]
        return await self._sentinels.discover_master(self._target.service or "")

    def client(self) -> Redis:
        """A client for all that is not counting: it repeats nothing by itself, and follows the master.

        `aclose` closes it.
        """
        options = self._target.options() | {
            "decode_responses": True,
            "encoding_errors": "replace",
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": REDIS_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
        }
        if self._target.path is None:
            options["socket_keepalive"] = True
        if self._sentinels is None:
            client = Redis(**options)
        else:
            pool = MasterPool(self._target.service or "", self._sentinels, **options)
            self._pools.append(pool)
            client = Redis.from_pool(pool)
        self._clients.append(client)
        return client

    async def follow(self) -> None:
        """Leave a server that the sentinels no longer call the master, for ever; without sentinels, end.

        After a failover the last master goes on as one until the sentinels demote it, some eight seconds
        later, and forgets then what it counted. Who is connected to it would not notice till then.
        """
        while self._sentinels is not None:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                master = await self._address()
            except REDIS_TROUBLE as error:
                logger.debug("the sentinels do not say who is the master: %s", error)
                continue
            for pool in self._pools:
                pool.keep_to(master)
            if self._master not in (None, master):
                logger.warning("the sentinels name another master, %s:%d", *master)
                self._leave()

    def _leave(self) -> None:
        self._master = None
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        """Close all connections but those of `connect`, which are their takers'.

        By TLS a server is told so, and one that hangs does not answer: then that is not waited for.
        """
        closing: list[Callable[[], Awaitable[None]]] = [client.aclose for client in self._clients]
        if self._sentinels is not None:
            closing.append(self._sentinels.aclose)
        for close in closing:
            try:
                await close()
            except REDIS_TROUBLE as error:
                logger.debug("connections to Redis were not closed in order: %s", error)


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    """As redis-py makes it of the same options."""
    context = modern(ssl.create_default_context())
    context.check_hostname = tls.ssl_check_hostname and tls.ssl_cert_reqs != "none"
    context.verify_mode = ssl.VerifyMode[f"CERT_{tls.ssl_cert_reqs.upper()}"]
    try:
        if tls.ssl_certfile is not None:
            context.load_cert_chain(tls.ssl_certfile, tls.ssl_keyfile)
        if tls.ssl_ca_certs is not None:
            context.load_verify_locations(tls.ssl_ca_certs)
    except OSError as error:  # ssl.SSLError is one
        files = filter(None, (tls.ssl_certfile, tls.ssl_keyfile, tls.ssl_ca_certs))
        problem = error.strerror or "not a certificate or key"
        raise StartError(f"REDIS_URL: cannot use {', '.join(files)}: {problem}", 2) from None
    return context
