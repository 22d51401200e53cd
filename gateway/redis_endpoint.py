"""Where Redis is and how to get in: TCP, TLS, a Unix socket, or whom the sentinels call the master."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff

from gateway.contract.redis_url import RedisTarget, Tls
from gateway.errors import REDIS_TROUBLE, StartError, StoreUnavailable

CONNECT_SECONDS = 1.0
REDIS_SECONDS = 1.0
SENTINEL_SECONDS = 0.4
"""How long the sentinels may take to name the master, out of `CONNECT_SECONDS`."""

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
        self._sentinels = None if target.service is None else _Sentinels(target)

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
            raise StoreUnavailable(f"{self._target.place}: {_reason(error)}") from error

    async def _connect(self, protocol_factory: Callable[[], Protocol]) -> tuple[asyncio.Transport, Protocol]:
        loop = asyncio.get_running_loop()
        if self._target.path is not None:
            return await loop.create_unix_connection(protocol_factory, self._target.path)
        host, port = await self._address()
        name = host if self._ssl is not None else None
        transport, protocol = await loop.create_connection(
            protocol_factory, host, port, ssl=self._ssl, server_hostname=name
        )
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return transport, protocol

    async def _address(self) -> tuple[str, int]:
        if self._sentinels is None:
            return self._target.addresses[0]
        return await self._sentinels.discover_master(self._target.service or "")

    def client(self) -> Redis:
        """A client for all that is not counting: it repeats nothing by itself, and follows the master."""
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
            return Redis(**options)
        client: Redis = self._sentinels.master_for(self._target.service or "", **options)
        return client

    async def aclose(self) -> None:
        """Close the connections to the sentinels; those that it gave are their takers'."""
        if self._sentinels is not None:
            await self._sentinels.aclose()


class _Sentinels(Sentinel):
    """redis-py's, which asks one after the other and believes the first: one that hangs would take the time
    of all, and one that was cut off names a master of the past.
    """

    def __init__(self, target: RedisTarget) -> None:
        timeouts = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
        options = target.sentinel_options() | timeouts | {"protocol": 2, "retry": Retry(NoBackoff(), 0)}
        super().__init__(target.addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call] # redis-py's own

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Ask all at once, and believe the newest word among the first half and one more that answer.

        Raises:
            MasterNotFoundError: none of them names a master that is up.
        """
        asked = [asyncio.create_task(self._ask(sentinel, service_name)) for sentinel in self.sentinels]
        named: list[tuple[int, str, int]] = []
        problems: list[str] = []
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    named.append(await answer)
                except REDIS_TROUBLE as error:
                    problems.append(_reason(error))
                if 2 * len(named) > len(asked):
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if not named:
            raise MasterNotFoundError("no sentinel names a master: " + ", ".join(dict.fromkeys(problems)))
        _, host, port = max(named)
        return host, port

    async def _ask(self, sentinel: Redis, service_name: str) -> tuple[int, str, int]:
        """The epoch of its word, and the master's address."""
        async with asyncio.timeout(SENTINEL_SECONDS):
            masters: Any = await sentinel.sentinel_masters()
        state = masters.get(service_name)
        if state is None:
            raise MasterNotFoundError(f"it does not know {service_name}")
        if not self.check_master_state(state, service_name):
            raise MasterNotFoundError(f"it sees {service_name} down")
        return state["config-epoch"], state["ip"], state["port"]


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    """As redis-py makes it of the same options."""
    context = ssl.create_default_context()
    context.check_hostname = tls.ssl_check_hostname and tls.ssl_cert_reqs != "none"
    context.verify_mode = ssl.VerifyMode[f"CERT_{tls.ssl_cert_reqs.upper()}"]
    try:
        if tls.ssl_certfile is not None:
            context.load_cert_chain(tls.ssl_certfile, tls.ssl_keyfile)
        if tls.ssl_ca_certs is not None:
            context.load_verify_locations(tls.ssl_ca_certs)
    except OSError as error:  # ssl.SSLError is one
        files = filter(None, (tls.ssl_certfile, tls.ssl_keyfile, tls.ssl_ca_certs))
        reason = error.strerror or "not a certificate or key"
        raise StartError(f"REDIS_URL: cannot use {', '.join(files)}: {reason}", 2) from None
    return context


def _reason(error: BaseException) -> str:
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
