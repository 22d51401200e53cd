"""Each message gets its id and its answer, and what became of it is told when it is over."""

import logging

from aiohttp import web

from gateway import replies
from gateway.addresses import address_of
from gateway.clock import monotonic, wall
from gateway.proxy.access_log import AccessLog
from gateway.proxy.downstream import Handle
from gateway.proxy.headers import CLOSE
from gateway.proxy.incoming import Incoming, Message
from gateway.proxy.raw_response import RawResponse
from gateway.proxy.request_id import RequestIds
from gateway.request_context import RequestContext
from gateway.telemetry.counters import Counters, Outcome
from gateway.trusted_proxies import TrustedProxies

logger = logging.getLogger(__name__)


class Journal:
    """Has messages answered by `handle`, and is the border that no fault of ours goes beyond."""

    def __init__(
        self,
        handle: Handle,
        counters: Counters,
        trusted: TrustedProxies,
        access_log: AccessLog,
        ids: RequestIds,
    ) -> None:
        """`trusted` are the peers whose ids are taken over."""
        self._handle = handle
        self._counters = counters
        self._trusted = trusted
        self._access_log = access_log
        self._ids = ids

    async def __call__(self, message: Message) -> web.StreamResponse:
        """One message."""
        started = monotonic()
        with RequestContext(self._id_of(message)) as context:
            message.context = context
            try:
                return await self._handle(message)
            except Exception:
                logger.exception("a request failed")
                return await self._failed(message)
            finally:
                self._tell(message, monotonic() - started)

    def _id_of(self, message: Message) -> str:
        if not isinstance(message, Incoming):
            return self._ids.new()
        return self._ids.id_of(message.head.fields, believed=address_of(message.peer) in self._trusted)

    async def _failed(self, message: Message) -> web.StreamResponse:
        """After a fault of ours."""
        message.context.outcome = Outcome.FAILED
        self._counters.count(Outcome.FAILED)
        if message.context.status:
            message.break_off(by_reset=False)
        else:
            await message.answer(replies.failed_here(), CLOSE, wall())
        return RawResponse(keep_alive=False)

    def _tell(self, message: Message, seconds: float) -> None:
        self._access_log.tell(
            message.context,
            address=message.address,
            method=message.method,
            target=message.target,
            bytes_in=message.bytes_in,
            bytes_out=message.bytes_out,
            seconds=seconds,
        )
