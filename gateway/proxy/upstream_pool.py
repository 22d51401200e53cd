"""Upstreams: their addresses, idle connections, ejection of failing addresses, and attempts of requests."""

import asyncio
import errno
import logging
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.clock import monotonic
from gateway.http.response_head import LocalReply, ProblemError, problem
from gateway.outage import Outage
from gateway.proxy.slow_holders import PlaceHolder, SlowHolders
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError
from gateway.request_context import RequestContext

if TYPE_CHECKING:
    Connected = UpstreamConnection | BaseException
    OnConnected = Callable[["UpstreamAttempt", Connected], None]


FIRST_EJECTION_SECONDS = 1.0
MAX_EJECTION_SECONDS = 30.0


class Ejection:
    """Passive outlier ejection of one address, as Envoy's: longer with each failure, ended by a response.

    After each pause one request probes the address; no other request goes there until the probe has ended.
    """

    __slots__ = ("_is_probed", "_until", "failed_at", "failures")

    def __init__(self) -> None:
        self.failed_at = 0.0
        """Monotonic time of the last failure; 0 for never."""
        self.failures = 0
        """Failures in a row."""
        self._until = 0.0
        self._is_probed = False

    def is_ejected(self, now: float) -> bool:
        """Whether requests avoid the address at monotonic `now`."""
        return self.failures > 0 and (self._is_probed or now < self._until)

    def begin_request(self, now: float) -> bool:
        """A request is sent to the address. Returns whether it is the probe."""
        if self.failures == 0 or self.is_ejected(now):
            return False
        self._is_probed = True
        return True

    def probe_ended(self) -> None:
        """The probe ended without a result; the next request may be the probe."""
        self._is_probed = False

    def failed(self, now: float) -> None:
        """A request failed. Failures during the pause do not extend it."""
        self.failed_at = now
        if now < self._until:
            return
        self._until = now + min(FIRST_EJECTION_SECONDS * 2.0**self.failures, MAX_EJECTION_SECONDS)
        self.failures = min(self.failures + 1, 16)

    def succeeded(self) -> None:
        """The address sent a response."""
        self.failures = 0
        self._until = 0.0
        self._is_probed = False


MAX_IDLE_CONNECTIONS = 128
MAX_WAIT_SECONDS = 1.0
"""How long a request waits for a place when all are in use."""

QUIET_SECONDS = 60.0
"""How long failures are not logged after a recovery: a flapping upstream, or a client, could fill the log."""

_OWN_TROUBLE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors of `connect` that are local, and no failure of the upstream."""
_PORTS = {"http": 80, "https": 443}

logger = logging.getLogger(__name__)


class UpstreamOverflowError(ProblemError):
    """No place at the upstream came free, or no socket can be created. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(503, "The service behind the gateway has no place for more requests at the moment.")

    def reply(self) -> LocalReply:
        """503 with `Retry-After`."""
        return problem(self.status, self.detail, fields=[(b"Retry-After", b"1")])


class Places:
    """A semaphore whose `try_acquire` needs no coroutine, unlike asyncio's."""

    __slots__ = ("_waiting", "free")

    def __init__(self, count: int) -> None:
        self.free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Acquire a free place, if there is one. Requests in `acquire` have precedence."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def acquire(self, seconds: float) -> None:
        """Acquire a place, first come, first served.

        Raises:
            TimeoutError: no place came free in `seconds`.
        """
        if self.try_acquire():
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(granted)
        try:
            async with asyncio.timeout(seconds):
                await granted
        except BaseException:
            if granted.done() and not granted.cancelled():
                self.release()
            elif granted in self._waiting:
                self._waiting.remove(granted)
            raise

    def release(self) -> None:
        """Pass the place to the request that has waited longest, else it is free."""
        while self._waiting:
            granted = self._waiting.popleft()
            if not granted.done():
                granted.set_result(None)
                return
        self.free += 1


class UpstreamAddress:
    """A URL of scheme, host and port."""

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        *,
        max_connections: int,
        idle_seconds: float,
        min_bytes_per_second: float = 0.0,
    ) -> None:
        """`tls` is for https. `max_connections` bounds those in use; idle ones close after `idle_seconds`.

        While all places are in use, requests of clients below `min_bytes_per_second` may be evicted.
        """
        parts = urlsplit(url)
        self.url = url
        self.authority = parts.netloc.encode()
        self.ejection = Ejection()
        self.trouble = Outage(logger, f"the upstream {url}", QUIET_SECONDS)
        self.active = 0
        """Requests at this address, including those that wait for a connection."""
        self.last_taken = 0
        """Sequence number of the last request, which breaks ties: round robin."""
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = tls if parts.scheme == "https" else None
        self._idle: deque[UpstreamConnection] = deque()
        self._idle_seconds = idle_seconds
        self._retiring: asyncio.TimerHandle | None = None
        self._max_connections = max_connections
        self._max_idle = min(max_connections, MAX_IDLE_CONNECTIONS)
        self._places = Places(max_connections)
        self.holders = SlowHolders(max_connections, min_bytes_per_second)
        self._is_closed = False

    async def connect(
        self, timeout_seconds: float, *, fresh: bool = False, newcomer: PlaceHolder | None = None
    ) -> UpstreamConnection:
        """The idle connection used last, or a new one; always a new one if `fresh`.

        It holds a place until `release`. If no place is free, a slow request may be evicted for `newcomer`.

        Raises:
            UpstreamError: the connection is refused, or the certificate is invalid.
            TimeoutError: the connection is not established in `timeout_seconds`.
            UpstreamOverflowError: all places are in use, or this process cannot create a socket.
        """
        await self._acquire_place(newcomer)
        try:
            kept = None if fresh else self._pop_idle()
            if kept is not None:
                return kept
            async with asyncio.timeout(timeout_seconds):
                return await self._new()
        except BaseException:
            self._places.release()
            raise

    def checkout_idle(self) -> UpstreamConnection | None:
        """An idle connection that holds a place, as from `connect`; None if there is none, or no place."""
        if not self._idle or not self._places.free:
            return None
        kept = self._pop_idle()
        if kept is not None:
            self._places.free -= 1
        return kept

    async def check_reachable(self, timeout_seconds: float) -> None:
        """Log a warning if the address refuses connections."""
        try:
            self.release(await self.connect(timeout_seconds), in_order=False)
        except (UpstreamOverflowError, UpstreamError) as error:
            logger.warning("the upstream %s does not answer yet: %s", self.url, error)
        except TimeoutError:
            logger.warning("the upstream %s does not answer yet", self.url)

    def failed(self, error: UpstreamError | TimeoutError, silence_seconds: float) -> None:
        """Log a failure. An error without a message is a timeout after `silence_seconds`."""
        self.trouble.failed(str(error) or f"it was silent for {silence_seconds:g} s", monotonic())

    def release(self, connection: UpstreamConnection, *, in_order: bool = True) -> None:
        """Release a connection and its place. It is kept idle if its exchange ended `in_order`."""
        self._places.release()
        has_room = not self._is_closed and len(self._idle) < self._max_idle
        if in_order and has_room and connection.finish_exchange(self._idle_seconds):
            self._idle.append(connection)
            if self._retiring is None:
                self._retire_at(connection.idle_until)
        else:
            connection.close()

    def close(self) -> None:
        """Close idle connections now, and those in use when they are released."""
        self._is_closed = True
        self.holders.stop()
        if self._retiring is not None:
            self._retiring.cancel()
        while self._idle:
            self._idle.popleft().close()

    def _retire_at(self, until: float) -> None:
        seconds = max(0.0, until - monotonic())
        self._retiring = asyncio.get_running_loop().call_later(seconds, self._retire)

    def _retire(self) -> None:
        """Close connections whose idle timeout has expired, oldest first."""
        self._retiring = None
        now = monotonic()
        while self._idle:
            if now < self._idle[0].idle_until:
                self._retire_at(self._idle[0].idle_until)
                return
            self._idle.popleft().close()

    async def _acquire_place(self, newcomer: PlaceHolder | None) -> None:
        if self._places.try_acquire():
            return
        if newcomer is not None:
            self.holders.evict_for(newcomer)
        try:
            await self._places.acquire(MAX_WAIT_SECONDS)
        except TimeoutError:
            self.trouble.failed(
                f"{self._max_connections} requests are there, and more may not be", monotonic()
            )
            raise UpstreamOverflowError from None

    def _pop_idle(self) -> UpstreamConnection | None:
        now = monotonic()
        while self._idle:
            connection = self._idle.pop()
            if now < connection.idle_until and connection.is_clean:
                connection.is_reused = True
                return connection
            connection.close()
        return None

    async def _new(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                UpstreamConnection,
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls is not None else None,
            )
        except ssl.CertificateError as error:
            hint = "GATEWAY_UPSTREAM_CA names other authorities"
            reason = f"its certificate is refused: {error.verify_message} ({hint})"
            raise UpstreamError(f"cannot connect: {reason}", before_response=True) from error
        except OSError as error:
            if error.errno in _OWN_TROUBLE:
                self.trouble.failed(f"no connection can be made: {error.strerror}", monotonic())
                raise UpstreamOverflowError from error
            raise UpstreamError(f"cannot connect: {error.strerror or error}", before_response=True) from error
        return connection


class Upstream:
    """One service with one or more equal addresses."""

    def __init__(self, addresses: Sequence[UpstreamAddress]) -> None:
        """`addresses` has at least one."""
        self.addresses = tuple(addresses)
        self.single = self.addresses[0] if len(self.addresses) == 1 else None
        """The address, if there is only one."""
        self._turns = count(1)

    @property
    def authority(self) -> bytes:
        """Host and port of the first address, for a request without Host (HTTP/1.0)."""
        return self.addresses[0].authority

    def pick(self, now: float, tried: Sequence[UpstreamAddress] = ()) -> UpstreamAddress | None:
        """The address for a request at monotonic `now`; None when all have been `tried`.

        Of the addresses that are not ejected, the one with the fewest requests; if all are ejected, the one
        whose last failure is oldest.
        """
        left = [address for address in self.addresses if address not in tried]
        working = [address for address in left if not address.ejection.is_ejected(now)]
        if working:
            return min(working, key=lambda address: (address.active, address.last_taken))
        return min(left, key=lambda address: address.ejection.failed_at, default=None)

    def acquire(self, address: UpstreamAddress) -> None:
        """Count a request at the address, until `UpstreamAttempt.end`."""
        address.active += 1
        address.last_taken = next(self._turns)


class Upstreams:
    """All upstreams by name. Upstreams that share an address share its connections and state."""

    def __init__(
        self,
        urls: Mapping[str, Sequence[str]],
        tls: ssl.SSLContext,
        *,
        max_connections: int,
        idle_seconds: float,
        min_bytes_per_second: float = 0.0,
    ) -> None:
        """`urls` has the addresses of each name, including the default. The rest is for each address."""
        self._tls = tls
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._min_bytes_per_second = min_bytes_per_second
        self._addresses: dict[str, UpstreamAddress] = {}
        self.current: Mapping[str, Upstream] = {}
        """By name. `load` replaces the mapping."""
        self.load(urls)

    def load(self, urls: Mapping[str, Sequence[str]]) -> None:
        """Replace the upstreams. Requests in flight complete at their present address."""
        before = self._addresses
        named = {url for listed in urls.values() for url in listed}
        self._addresses = {url: before.get(url) or self._address(url) for url in named}
        self.current = {
            name: Upstream([self._addresses[url] for url in listed]) for name, listed in urls.items()
        }
        for url in before.keys() - named:
            before[url].close()

    def _address(self, url: str) -> UpstreamAddress:
        return UpstreamAddress(
            url,
            self._tls,
            max_connections=self._max_connections,
            idle_seconds=self._idle_seconds,
            min_bytes_per_second=self._min_bytes_per_second,
        )

    @property
    def addresses(self) -> list[UpstreamAddress]:
        """All addresses, without duplicates."""
        return list(self._addresses.values())

    async def check_reachable(self, timeout_seconds: float) -> None:
        """Log a warning for each address that refuses connections."""
        await asyncio.gather(*(address.check_reachable(timeout_seconds) for address in self.addresses))

    def close(self) -> None:
        """Close all idle connections."""
        for address in self._addresses.values():
            address.close()


class UpstreamAttempt:
    """One attempt of a request at one address: its connection, and how much has been sent over it."""

    is_body_sent = False
    """Whether the whole request has been written."""
    body_bytes = 0
    """Bytes of content written so far."""

    def __init__(self, holder: PlaceHolder, upstream: Upstream, address: UpstreamAddress, now: float) -> None:
        """Counts the request `holder` at the address until `release`."""
        self._holder = holder
        self.address = address
        self.connection: UpstreamConnection | None = None
        self._is_probe = address.ejection.begin_request(now)
        self._connecting: asyncio.Task[UpstreamConnection] | None = None
        upstream.acquire(address)

    def connect(
        self, seconds: float, request: RequestContext, on_connected: "OnConnected", *, fresh: bool
    ) -> None:
        """Get a connection; a new one may take at most `seconds`. Always a new one if `fresh`.

        Calls `on_connected` with the connection or the error, unless the attempt is released before. Log
        records of the connect task carry the context of the `request`.
        """
        context = copy_context()
        context.run(request.__enter__)
        connecting = asyncio.get_running_loop().create_task(
            self.address.connect(seconds, fresh=fresh, newcomer=self._holder), context=context
        )
        self._connecting = connecting

        def connected(task: "asyncio.Task[UpstreamConnection]") -> None:
            request.over()
            if task.cancelled():
                return
            result = task.exception() or task.result()
            if self._connecting is task:
                self._connecting = None
                on_connected(self, result)
            elif isinstance(result, UpstreamConnection):
                self.address.release(result)

        connecting.add_done_callback(connected)

    def use(self, connection: UpstreamConnection) -> None:
        """Use this connection, which holds a place."""
        self.connection = connection
        self.address.holders.add(self._holder)

    def drop_connection(self) -> None:
        """Release the connection; the request still counts at the address."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.address.holders.remove(self._holder)
            self.address.release(connection, in_order=self.is_body_sent)
        self.is_body_sent = False
        self.body_bytes = 0

    def failed(self) -> None:
        """The attempt failed, which counts for the ejection of the address."""
        self.address.ejection.failed(monotonic())

    def responded(self) -> None:
        """A response head has come, which ends the ejection of the address."""
        if self._is_probe or self.address.ejection.failures:
            self.address.ejection.succeeded()
            self._is_probe = False

    def release(self) -> None:
        """End the attempt: cancel a pending connect, release the connection and the place."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
        self.drop_connection()
        self.end()

    def detach(self, protocol: asyncio.Protocol) -> bytes:
        """After a 101, hand the connection to `protocol`. Returns bytes received after the 101.

        The place at the address is held until `release_detached`.

        Raises:
            UpstreamError: the connection is closed.
        """
        assert self.connection is not None  # noqa: S101 - the 101 came over it
        rest = self.connection.detach(protocol)
        self.address.holders.remove(self._holder)
        if self._is_probe:
            self.address.ejection.probe_ended()
            self._is_probe = False
        return rest

    def release_detached(self) -> None:
        """The detached connection is closed."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.address.release(connection, in_order=False)
        self.end()

    def end(self) -> None:
        """The request no longer counts at the address."""
        self.address.active -= 1
        if self._is_probe:
            self.address.ejection.probe_ended()
