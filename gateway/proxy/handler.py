"""The life of a request: entrance → admission → forward → stream the answer → count."""

import asyncio
import logging

from aiohttp import web

from gateway import replies
from gateway.clock import monotonic, wall
from gateway.decisions import Decision, LeftDecided, Undecided
from gateway.problems import Problem, Reply
from gateway.proxy.answer_head import AnswerHead
from gateway.proxy.exchange import Exchange, Outgoing
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import CLOSE
from gateway.proxy.hops import hops_left
from gateway.proxy.incoming import Incoming, Message, Unread
from gateway.proxy.raw_response import RawResponse, Switched
from gateway.proxy.relayed import Relayed, passing_on
from gateway.proxy.rules import METHODS, Malformed
from gateway.proxy.shared import Shared
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.turning_away import REASONS, turn_away
from gateway.proxy.upstream import Upstream
from gateway.proxy.upstream_address import Busy
from gateway.proxy.upstream_connection import UpstreamError
from gateway.proxy.websocket import PROTOCOL, accepts, handshake_key
from gateway.telemetry.counters import Outcome

Served = tuple[Outcome, web.StreamResponse]

logger = logging.getLogger(__name__)


class Handler:
    """Answers every request that could be read."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._admission = shared.admission
        self._counters = shared.counters
        self._options = shared.options

    async def __call__(self, message: Message) -> web.StreamResponse:
        """One request: answered and counted, once each."""
        if isinstance(message, Unread):
            self._count(message, Outcome.MALFORMED)
            await message.answer(message.malformed.reply(), CLOSE, wall())
            return RawResponse(keep_alive=False)
        self._counters.in_flight += 1
        try:
            outcome, response = await self._serve(message)
        finally:
            self._counters.in_flight -= 1
        self._count(message, outcome)
        return response

    def _count(self, message: Message, outcome: Outcome) -> None:
        message.context.outcome = outcome
        self._counters.count(outcome)

    async def _serve(self, incoming: Incoming) -> Served:
        head, context = incoming.head, incoming.context
        started = monotonic()
        # Those of the policies that decide, also if it takes a while.
        upstreams = self._shared.upstreams.current
        try:
            incoming.sender = self._options.entrance.sender_of(head, incoming.peer, incoming.scheme)
            decision = await self._decide(incoming)
        except REASONS as reason:
            outcome, client, reply = turn_away(reason, self._counters)
            context.client = client
            if isinstance(reason, Undecided):
                context.store_seconds = monotonic() - started
            elif isinstance(reason, Malformed):
                logger.debug("malformed request from %s: %s", incoming.peer, reason.rule.name)
            return outcome, await self._own(incoming, reply)
        except LeftDecided as left:
            context.client = left.decision.client or ""
            context.outcome = self._shared.left(left.decision)
            raise
        if decision.meters:
            context.store_seconds = monotonic() - started
        try:
            return await self._act(incoming, decision, upstreams[decision.upstream], started)
        finally:
            self._admission.close(decision)

    async def _decide(self, incoming: Incoming) -> Decision:
        head, client = incoming.head, incoming.sender.client
        return await self._admission.decide(self._shared.policies, head, head.fields, client)

    async def _act(
        self, incoming: Incoming, decision: Decision, upstream: Upstream, started: float
    ) -> Served:
        if decision.client is not None:
            incoming.context.client = decision.client
            self._counters.clients.count(decision.client, refused=not decision.admitted)
        self._counters.shadow_refused += decision.in_shadow
        if not decision.admitted:
            self._shared.refusals.append((incoming.context.request_id, decision, started))
            reply = replies.refused(decision, self._options.ratelimit_headers)
            return Outcome.REFUSED, await self._own(incoming, reply)
        if hops_left(incoming.head.method, incoming.head.fields) == 0:
            limits = replies.limit_fields(decision, self._options.ratelimit_headers)
            return Outcome.ADMITTED, await self._own(incoming, replies.options(METHODS, limits))
        try:
            return await self._forward(incoming, decision, upstream)
        finally:
            self._counters.latency.add(monotonic() - started)

    async def _forward(self, incoming: Incoming, decision: Decision, upstream: Upstream) -> Served:
        exchange = Exchange(
            upstream,
            self._options.upstream_timeout_seconds,
            passing_on(incoming),
        )
        sent = monotonic()
        outgoing = self._outgoing(incoming, upstream)
        try:
            if incoming.awaits_continue:
                await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with asyncio.timeout(self._seconds_left(sent)) as total:
                answer = await self._ask(exchange, outgoing, incoming, sent)
                limits = replies.limit_lines(decision, self._options.ratelimit_headers)
                if answer.switches:
                    total.reschedule(None)
                    return await self._switch(exchange, answer, decision, limits)
                return await self._relay(exchange, answer, limits)
        except TimeoutError:
            return Outcome.FAILED, await self._out_of_time(incoming, has_body=exchange.has_sent_all)
        except Problem as problem:
            return Outcome.FAILED, await self._own(incoming, problem.reply())
        except ConnectionError:
            # The client left, so nobody reads what this returns; it had been let through.
            return Outcome.ADMITTED, RawResponse(keep_alive=False)
        except asyncio.CancelledError:
            self._count(incoming, Outcome.ADMITTED if incoming.has_left else Outcome.FAILED)
            raise
        finally:
            await exchange.close()

    def _seconds_left(self, sent: float) -> float | None:
        seconds = self._options.request_seconds
        return None if seconds is None else max(0.0, sent + seconds - monotonic())

    async def _ask(self, exchange: Exchange, outgoing: Outgoing, incoming: Incoming, sent: float) -> Relayed:
        """The head of the upstream's answer to what went there first at monotonic `sent`.

        Raises:
            Problem: there is none.
        """
        try:
            head, body = await exchange.send(outgoing)
            _check_switch(exchange, incoming.head, head)
        except (UpstreamError, TimeoutError) as error:
            self._counters.upstream_failed(error)
            raise replies.upstream_failed(error) from error
        except Busy:
            self._counters.upstream_full += 1
            raise
        finally:
            self._counters.upstream_retried += exchange.retries
        incoming.context.upstream_seconds = seconds = monotonic() - sent
        self._counters.upstream_latency.add(seconds)
        self._counters.upstream_server_errors += head.status >= 500
        return Relayed(incoming, head, body, self._may_stay(incoming) and exchange.has_sent_all)

    def _outgoing(self, incoming: Incoming, upstream: Upstream) -> Outgoing:
        onward, max_body_bytes = self._options.onward, self._options.entrance.max_body_bytes
        head = onward.head(
            incoming.head,
            incoming.sender,
            incoming.context.request_id,
            incoming.context.client,
            upstream.authority,
        )
        body = incoming.body if incoming.head.has_body else None
        chunked = incoming.head.length is None
        upgrade = PROTOCOL if handshake_key(incoming.head) is not None else b""
        return Outgoing(incoming.head.method, head, body, chunked, max_body_bytes, upgrade)

    async def _relay(self, exchange: Exchange, answer: Relayed, limits: bytes) -> Served:
        """Write the upstream's answer to the client."""
        writer = answer.incoming.writer
        await answer.begin(limits, self._options.entrance.node_id, wall())
        if answer.chunked:
            writer.enable_chunking()
        while not answer.body.at_eof():
            try:
                piece = await answer.body.readany()
            except (UpstreamError, TimeoutError) as error:
                self._counters.upstream_failed(error)
                exchange.failed(error)
                answer.break_off()
                return Outcome.FAILED, RawResponse(keep_alive=False)
            await writer.write(piece)
        self._counters.upstream_answered += 1
        exchange.succeeded()
        await writer.write_eof()
        return Outcome.ADMITTED, RawResponse(keep_alive=answer.stays)

    async def _switch(self, exchange: Exchange, answer: Relayed, decision: Decision, limits: bytes) -> Served:
        """Let both connections go on as a tunnel. The request ends here; its places are the tunnel's."""
        incoming, tunnel = answer.incoming, Tunnel(self._options.tunnel_limits)
        await answer.begin(limits, self._options.entrance.node_id, wall())
        await incoming.writer.drain()
        exchange.succeeded()
        to_upstream = incoming.hand_over(tunnel.client)
        try:
            to_client, release = exchange.hand_over(tunnel.upstream)
        except UpstreamError as error:
            self._counters.upstream_failed(error)
            tunnel.abort()
            return Outcome.FAILED, RawResponse(keep_alive=False)
        self._counters.upstream_answered += 1
        self._counters.tunnels += 1
        for call in (release, self._admission.keep(decision), self._counters.tunnel_ended):
            tunnel.at_end(call)
        tunnel.start(to_client=to_client, to_upstream=to_upstream)
        return Outcome.ADMITTED, Switched(tunnel)

    async def _out_of_time(self, incoming: Incoming, *, has_body: bool) -> web.StreamResponse:
        if incoming.context.status:
            incoming.break_off(by_reset=True)
            return RawResponse(keep_alive=False)
        if has_body:
            return await self._own(incoming, replies.out_of_time())
        return await self._own(incoming, Problem(408, "The body took too long.").reply(), may_stay=False)

    async def _own(self, incoming: Incoming, reply: Reply, *, may_stay: bool = True) -> web.StreamResponse:
        # After an Expect the client may send its body or not, now that it is not wanted.
        stays = may_stay and self._may_stay(incoming) and not incoming.awaits_continue
        await incoming.answer(reply, incoming.connection_field(stays=stays), wall())
        return RawResponse(keep_alive=stays)

    def _may_stay(self, incoming: Incoming) -> bool:
        return incoming.may_stay and not self._shared.is_draining()


def _check_switch(exchange: Exchange, head: RequestHead, answer: AnswerHead) -> None:
    """Let no 101 pass that does not prove that the upstream speaks WebSocket with this client."""
    if answer.status != 101:
        return
    key = handshake_key(head)
    if key is None or not accepts(answer, key):
        error = UpstreamError("its Sec-WebSocket-Accept is not for the client's key")
        exchange.failed(error)
        raise error
