"""One address of an upstream: connections to it, kept while idle and bounded, and whether it works."""

import asyncio
import errno
import logging
import ssl
from collections import deque
from urllib.parse import urlsplit

from gateway.clock import monotonic
from gateway.http.response_head import LocalReply, ProblemError, problem
from gateway.outage import Outage
from gateway.proxy.absence import Absence
from gateway.proxy.places import Places
from gateway.proxy.slow_holders import PlaceHolder, SlowHolders
from gateway.proxy.upstream_connection import UpstreamConnection, UpstreamError

MAX_IDLE_CONNECTIONS = 128
MAX_WAIT_SECONDS = 1.0
"""How long a request waits for a connection where as many as may be are in use."""

QUIET_SECONDS = 60.0
"""After an outage was told as over; clients can provoke some, and bad upstreams come and go."""

_OWN_TROUBLE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors of connecting that say nothing of the other side."""
_PORTS = {"http": 80, "https": 443}

logger = logging.getLogger(__name__)


class UpstreamOverflowError(ProblemError):
    """There is no connection to be had at the moment, and the upstream has not been asked."""

    def __init__(self) -> None:
        super().__init__(503, "The service behind the gateway has no place for more requests at the moment.")

    def reply(self) -> LocalReply:
        """The answer, with when to come again."""
        return problem(self.status, self.detail, fields=[(b"Retry-After", b"1")])


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
        """`tls` is for https. `max_connections` bounds those in use, `idle_seconds` how long one is kept.

        Requests of clients below `min_bytes_per_second` may give way where all connections are in use.
        """
        parts = urlsplit(url)
        self.url = url
        self.authority = parts.netloc.encode()
        self.absence = Absence()
        self.trouble = Outage(logger, f"the upstream {url}", QUIET_SECONDS)
        self.busy = 0
        """Requests that are there, or wait for a connection."""
        self.last_taken = 0
        """Puts those that are equally busy in turn."""
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
        """An idle connection, the last used first, or a new one; always a new one if `fresh`.

        It holds a place until `release`. Where there is none, a slower request may give way to `newcomer`.

        Raises:
            UpstreamError: nobody is there, or not who should be.
            TimeoutError: there is no connection after `timeout_seconds`.
            UpstreamOverflowError: all places are taken, or this process cannot have another socket.
        """
        await self._take_place(newcomer)
        try:
            kept = None if fresh else self._kept()
            if kept is not None:
                return kept
            async with asyncio.timeout(timeout_seconds):
                return await self._new()
        except BaseException:
            self._places.give_back()
            raise

    def take_kept(self) -> UpstreamConnection | None:
        """An idle connection as by `connect`, if there is one at once, and a place."""
        if not self._idle or not self._places.free:
            return None
        kept = self._kept()
        if kept is not None:
            self._places.free -= 1
        return kept

    async def look(self, timeout_seconds: float) -> None:
        """Say so if nobody is there."""
        try:
            self.release(await self.connect(timeout_seconds), in_order=False)
        except (UpstreamOverflowError, UpstreamError) as error:
            logger.warning("the upstream %s does not answer yet: %s", self.url, error)
        except TimeoutError:
            logger.warning("the upstream %s does not answer yet", self.url)

    def failed(self, error: UpstreamError | TimeoutError, silence_seconds: float) -> None:
        """Tell of a failure there, in the log; where nothing says why, it was silent for so long."""
        self.trouble.failed(str(error) or f"it was silent for {silence_seconds:g} s", monotonic())

    def release(self, connection: UpstreamConnection, *, in_order: bool = True) -> None:
        """Give a connection back: kept if its exchange is over `in_order`, else dropped."""
        self._places.give_back()
        has_room = not self._is_closed and len(self._idle) < self._max_idle
        if in_order and has_room and connection.settle(self._idle_seconds):
            self._idle.append(connection)
            if self._retiring is None:
                self._retire_at(connection.idle_until)
        else:
            connection.close()

    def close(self) -> None:
        """Drop the idle connections, and each that is in use when it comes back."""
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
        """Drop what has been idle for long, the longest first."""
        self._retiring = None
        now = monotonic()
        while self._idle:
            if now < self._idle[0].idle_until:
                self._retire_at(self._idle[0].idle_until)
                return
            self._idle.popleft().close()

    async def _take_place(self, newcomer: PlaceHolder | None) -> None:
        if self._places.take():
            return
        if newcomer is not None:
            self.holders.make_room(newcomer)
        try:
            await self._places.wait(MAX_WAIT_SECONDS)
        except TimeoutError:
            self.trouble.failed(
                f"{self._max_connections} requests are there, and more may not be", monotonic()
            )
            raise UpstreamOverflowError from None

    def _kept(self) -> UpstreamConnection | None:
        now = monotonic()
        while self._idle:
            connection = self._idle.pop()
            if now < connection.idle_until and connection.is_quiet:
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
            raise UpstreamError(f"cannot connect: {reason}", untouched=True) from error
        except OSError as error:
            if error.errno in _OWN_TROUBLE:
                self.trouble.failed(f"no connection can be made: {error.strerror}", monotonic())
                raise UpstreamOverflowError from error
            raise UpstreamError(f"cannot connect: {error.strerror or error}", untouched=True) from error
        return connection
