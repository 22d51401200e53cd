"""One request at the upstream: its head and body out, its answer's head back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.streams import StreamReader

from gateway.clock import monotonic
from gateway.problems import Problem
from gateway.proxy.awaited_answer import Answer, ask
from gateway.proxy.time_limit import limit
from gateway.proxy.upstream import Upstream
from gateway.proxy.upstream_address import UpstreamAddress
from gateway.proxy.upstream_connection import OnInterim, UpstreamConnection, UpstreamError

CONNECT_SECONDS = 4.0
"""Time for two lost attempts of TCP (it repeats after 1 s and 3 s); another address may be there at once."""

# RFC 9110 §9.2.2
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes to the upstream. `body` is None where there is none.

    `upgrade` is the protocol that its head offers to switch to, in lower case; b"" is none.
    """

    method: str
    head: bytes
    body: StreamReader | None
    chunked: bool
    max_body_bytes: int  # 0 is unbounded
    upgrade: bytes = b""


def connect_seconds(left_seconds: float, addresses: int) -> float:
    """How long to wait for a connection to one of `addresses`, which share what is left."""
    return min(CONNECT_SECONDS, max(0.0, left_seconds) / addresses)


class Exchange:
    """Send to one address, or where nothing is lost by it to one after the other; close always."""

    def __init__(
        self,
        upstream: Upstream,
        timeout_seconds: float,
        on_interim: OnInterim | None,
    ) -> None:
        """`timeout_seconds` bounds each silence of the upstream's: connecting in all, taking, answering.

        `on_interim` is called with each head of status 1xx that is to go on.
        """
        self.retries = 0
        """How often the request was sent once more."""
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._on_interim = on_interim
        self._address: UpstreamAddress | None = None
        self._is_probe = False
        self._connection: UpstreamConnection | None = None
        self._sender: asyncio.Task[None] | None = None
        self._sent_bytes = 0

    async def send(self, request: Outgoing) -> Answer:
        """The answer's head, and its body to be read.

        Where an address fails, the next one is tried if nothing of the request has gone out, or if nothing of
        an answer has come to a request that may be repeated. Silence ends it: the request may be at work.

        Raises:
            UpstreamError: it broke.
            TimeoutError: it was silent for too long.
            Problem: the client's body is not acceptable, or there is no place for more requests.
        """
        tried: list[UpstreamAddress] = []
        until = monotonic() + self._timeout_seconds
        while True:
            address = self._take_address(tried)
            untried = len(self._upstream.addresses) - len(tried)
            try:
                answer = await self._ask(address, request, connect_seconds(until - monotonic(), untried))
            except (UpstreamError, TimeoutError) as error:
                self.failed(error)
                tried.append(address)
                if not self._is_stale(error):
                    address.absence.failed(monotonic())
                if untried == 1 or not self._may_be_repeated(request, error):
                    raise
                self.retries += 1
                await self.close()
            else:
                address.absence.worked()
                return answer

    def _take_address(self, tried: list[UpstreamAddress]) -> UpstreamAddress:
        now = monotonic()
        address = self._upstream.pick(now, tried)
        if address is None:
            raise LookupError("all addresses have been tried")
        self._is_probe = address.absence.began(now)
        self._upstream.took(address)
        self._address = address
        return address

    def _may_be_repeated(self, request: Outgoing, error: UpstreamError | TimeoutError) -> bool:
        if self._connection is None:
            return True
        untouched = isinstance(error, UpstreamError) and error.untouched
        return untouched and not self._sent_bytes and request.method in IDEMPOTENT

    def _is_stale(self, error: UpstreamError | TimeoutError) -> bool:
        """Whether a kept connection was closed as the request was on its way: the address may be well."""
        reused = self._connection is not None and self._connection.is_reused
        return reused and isinstance(error, UpstreamError) and error.untouched

    async def _ask(self, address: UpstreamAddress, request: Outgoing, wait_seconds: float) -> Answer:
        """Where it closed a kept connection just then, ask once more."""
        try:
            return await self._attempt(address, request, wait_seconds, fresh=False)
        except UpstreamError as error:
            if not (self._is_stale(error) and self._may_be_repeated(request, error)):
                raise
        self.retries += 1
        await self._end_attempt()
        return await self._attempt(address, request, wait_seconds, fresh=True)

    async def _attempt(
        self, address: UpstreamAddress, request: Outgoing, wait_seconds: float, *, fresh: bool
    ) -> Answer:
        self._connection = await address.connect(wait_seconds, fresh=fresh)
        answer = ask(
            self._connection,
            request.head,
            has_answer_body=request.method != "HEAD",
            silence_seconds=self._timeout_seconds,
            upgrade=request.upgrade,
            on_interim=self._on_interim,
        )
        if request.body is not None:
            self._sender = asyncio.create_task(self._send_body(self._connection, request, request.body))
            either: set[asyncio.Future[Any]] = {answer, self._sender}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self._sender.result()
        timer = limit(answer, self._timeout_seconds)
        try:
            return await answer
        finally:
            timer.cancel()

    async def _send_body(self, connection: UpstreamConnection, request: Outgoing, body: StreamReader) -> None:
        while piece := await _next_piece(body):
            self._sent_bytes += len(piece)
            if 0 < request.max_body_bytes < self._sent_bytes:
                raise Problem(413, f"The body is longer than {request.max_body_bytes} bytes.")
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if request.chunked else piece)
            await connection.drain(self._timeout_seconds)
        if request.chunked:
            connection.write(b"0\r\n\r\n")

    def hand_over(self, protocol: asyncio.Protocol) -> tuple[bytes, Callable[[], None]]:
        """After a 101, `protocol` has the connection.

        Returns what came for it behind the 101, and what to call when it is over: until then it holds its
        place at the address.

        Raises:
            UpstreamError: it is gone.
        """
        address, connection = self._address, self._connection
        if address is None or connection is None:
            raise UpstreamError("the connection was lost")
        rest = connection.hand_over(protocol)
        self._address = self._connection = None
        if self._is_probe:
            address.absence.probe_ended()

        def end() -> None:
            address.release(connection, in_order=False)
            address.busy -= 1

        return rest, end

    def failed(self, error: UpstreamError | TimeoutError) -> None:
        """Tell of a failure, in the log."""
        if self._address is not None:
            self._address.failed(error, self._timeout_seconds)

    def succeeded(self) -> None:
        """Tell that it went well to the end."""
        if self._address is not None:
            self._address.trouble.worked(monotonic())

    @property
    def has_sent_all(self) -> bool:
        """Whether the client's body has gone out whole."""
        sender = self._sender
        return sender is None or (sender.done() and not sender.cancelled() and sender.exception() is None)

    async def close(self) -> None:
        """Stop sending, and give the connection back if it is in order."""
        try:
            await self._end_attempt()
        finally:
            address, self._address = self._address, None
            if address is not None:
                address.busy -= 1
                if self._is_probe:
                    address.absence.probe_ended()

    async def _end_attempt(self) -> None:
        sent_all = self.has_sent_all
        sender, self._sender = self._sender, None
        connection, self._connection = self._connection, None
        try:
            if sender is not None and not sender.done():
                sender.cancel()
                await asyncio.wait({sender})
                sender.cancelled() or sender.exception()  # seen: nobody waits for it any more
        finally:
            if connection is not None and self._address is not None:
                self._address.release(connection, in_order=sent_all)


async def _next_piece(body: StreamReader) -> bytes:
    try:
        return await body.readany()
    except web.RequestPayloadError:
        raise Problem(400, "The body is not well-formed.") from None
