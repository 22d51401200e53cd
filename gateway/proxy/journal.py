"""Each message gets its id and its answer, and what became of it is told when it is over."""

import logging
from http import HTTPStatus

from aiohttp import web

from gateway.addresses import address_of
from gateway.clock import monotonic, wall
from gateway.problems import problem
from gateway.proxy.access_log import Access, AccessLog, path_of
from gateway.proxy.downstream import Handle
from gateway.proxy.headers import CLOSE
from gateway.proxy.incoming import Incoming, Message
from gateway.proxy.raw_response import RawResponse
from gateway.proxy.request_id import RequestIds
from gateway.request_context import RequestContext
from gateway.telemetry.counters import Counters, Outcome
from gateway.trusted_proxies import TrustedProxies

_SERVER_ERRORS = 500

logger = logging.getLogger(__name__)


class Journal:
    """Has messages answered by `handle`, and is the border that no fault of ours goes beyond."""

    def __init__(
        self, handle: Handle, counters: Counters, trusted: TrustedProxies, access_log: AccessLog
    ) -> None:
        """`trusted` are the peers whose ids are taken over."""
        self._handle = handle
        self._counters = counters
        self._trusted = trusted
        self._access_log = access_log
        self._ids = RequestIds()

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
        """The client learns that it failed, and no more than that."""
        message.context.outcome = Outcome.FAILED
        self._counters.count(Outcome.FAILED)
        if message.context.status:
            message.break_off(by_reset=False)
        else:
            reply = problem(500, "The gateway failed at this request.")
            await message.answer(reply, CLOSE, wall())
        return RawResponse(keep_alive=False)

    def _tell(self, message: Message, seconds: float) -> None:
        context = message.context
        if not self._access_log.takes(context.request_id, failed=_has_failed(context)):
            return
        self._access_log.write(
            Access(
                address=message.address,
                method=message.method,
                path=path_of(message.target),
                status=context.status,
                outcome=context.outcome,
                bytes_in=message.bytes_in,
                bytes_out=message.bytes_out,
                seconds=seconds,
                upstream_seconds=context.upstream_seconds,
                store_seconds=context.store_seconds,
            )
        )


def _has_failed(context: RequestContext) -> bool:
    """Whether somebody should know: not what a client can bring about, by the thousand and for nothing."""
    is_our_answer = context.upstream_seconds is None
    is_their_doing = 400 <= context.status < _SERVER_ERRORS or context.status == HTTPStatus.LOOP_DETECTED
    if context.outcome == Outcome.MALFORMED or (is_our_answer and is_their_doing):
        return False
    return context.outcome == Outcome.FAILED or context.status >= _SERVER_ERRORS
