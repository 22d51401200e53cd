"""The life of a request: identify → policy → admit → forward → stream the answer → count."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway import replies
from gateway.access import Denied
from gateway.admission import Admission, Decision
from gateway.clock import monotonic
from gateway.errors import StoreUnavailable
from gateway.fields import Fields
from gateway.identity import Unidentified
from gateway.policies import Policies
from gateway.proxy.answer_body import AnswerBody
from gateway.proxy.answers import AnswerHead
from gateway.proxy.downstream import RawResponse, reset
from gateway.proxy.exchange import Exchange, Outgoing
from gateway.proxy.grammar import Malformed, check_request
from gateway.proxy.headers import own_answer, request_head, response_head
from gateway.proxy.upstream import Upstream, Upstreams
from gateway.proxy.upstream_connection import OnInterim, UpstreamError
from gateway.replies import Problem, RateLimitHeaders, Reply
from gateway.routing import Ambiguous
from gateway.telemetry.counters import Counters, Outcome

Served = tuple[Outcome, web.StreamResponse]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """What the settings say about forwarding."""

    node_id: str
    upstream_timeout_seconds: float
    max_body_bytes: int
    ratelimit_headers: RateLimitHeaders


class Handler:
    """Answers every request that aiohttp could parse."""

    def __init__(
        self,
        policies: Policies,
        admission: Admission,
        upstreams: Upstreams,
        counters: Counters,
        options: ProxyOptions,
        is_draining: Callable[[], bool],
    ) -> None:
        self.policies = policies
        self._admission = admission
        self._upstreams = upstreams
        self._counters = counters
        self._options = options
        self._is_draining = is_draining

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request: answered and counted, once each."""
        self._counters.in_flight += 1
        try:
            outcome, response = await self._serve(request)
        finally:
            self._counters.in_flight -= 1
        self._counters.count(outcome)
        return response

    async def _serve(self, request: web.BaseRequest) -> Served:
        started = monotonic()
        peer = _peer(request)
        upstreams = self._upstreams.current  # those of the policies that decide, also if it takes a while
        try:
            self._check(request)
            decision = await self._admission.decide(
                self.policies, request.method, _host(request), _target(request), request.raw_headers, peer
            )
        except Denied as denied:
            self._counters.denied += 1
            if denied.client is not None:
                self._counters.clients.count(denied.client, refused=True)
            return Outcome.REFUSED, self._own(request, replies.denied())
        except Unidentified as reason:
            return Outcome.UNIDENTIFIED, self._own(request, replies.unidentified(str(reason)))
        except StoreUnavailable:
            return Outcome.FAILED, self._own(request, replies.store_unavailable())
        except Ambiguous:
            return Outcome.MALFORMED, self._own(request, replies.ambiguous())
        except Malformed as problem:
            return Outcome.MALFORMED, self._own(request, problem.reply(), may_stay=False)
        except Problem as problem:
            return Outcome.FAILED, self._own(request, problem.reply())
        try:
            return await self._act(request, decision, upstreams[decision.upstream], peer, started)
        finally:
            self._admission.close(decision)

    async def _act(
        self, request: web.BaseRequest, decision: Decision, upstream: Upstream, peer: str, started: float
    ) -> Served:
        if decision.client is not None:
            self._counters.clients.count(decision.client, refused=not decision.admitted)
        self._counters.shadow_refused += decision.in_shadow
        if not decision.admitted:
            reply = replies.refused(decision, self._options.ratelimit_headers)
            return Outcome.REFUSED, self._own(request, reply)
        try:
            return await self._forward(request, decision, upstream, peer)
        finally:
            self._counters.latency.add(monotonic() - started)

    def _check(self, request: web.BaseRequest) -> None:
        check_request(request.method, _target(request), request.version, request.raw_headers)
        limit = self._options.max_body_bytes
        if limit and (request.content_length or 0) > limit:
            raise Problem(413, f"The body is longer than {limit} bytes.")

    async def _forward(
        self, request: web.BaseRequest, decision: Decision, upstream: Upstream, peer: str
    ) -> Served:
        exchange = Exchange(upstream, self._options.upstream_timeout_seconds, _passing_on(request))
        outgoing = self._outgoing(request, upstream, peer)
        try:
            if outgoing.body is not None and _expects_continue(request):
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            answer = await self._ask(exchange, outgoing, request)
            fields = replies.limit_fields(decision, self._options.ratelimit_headers)
            return await self._relay(exchange, answer, fields)
        except Problem as problem:
            return Outcome.FAILED, self._own(request, problem.reply())
        except ConnectionError:
            # The client left, so nobody reads what this returns; it had been let through.
            return Outcome.ADMITTED, RawResponse(keep_alive=False)
        except asyncio.CancelledError:
            self._counters.count(Outcome.ADMITTED if request.transport is None else Outcome.FAILED)
            raise
        finally:
            await exchange.close()

    async def _ask(self, exchange: Exchange, outgoing: Outgoing, request: web.BaseRequest) -> "_Answer":
        """The head of the upstream's answer.

        Raises:
            Problem: there is none.
        """
        sent = monotonic()
        try:
            head, body = await exchange.send(outgoing)
        except UpstreamError as error:
            self._lost(error)
            raise Problem(502, "The service behind the gateway did not answer properly.") from error
        except TimeoutError as error:
            self._lost(error)
            raise Problem(504, "The service behind the gateway did not answer in time.") from error
        self._counters.upstream_latency.add(monotonic() - sent)
        self._counters.upstream_server_errors += head.status >= 500
        return _Answer(request, head, body, self._may_stay(request) and exchange.has_sent_all)

    def _lost(self, error: UpstreamError | TimeoutError) -> None:
        if isinstance(error, TimeoutError):
            self._counters.upstream_timed_out += 1
        else:
            self._counters.upstream_broken += 1

    def _outgoing(self, request: web.BaseRequest, upstream: Upstream, peer: str) -> Outgoing:
        chunked = "Transfer-Encoding" in request.headers
        head = request_head(
            request.method,
            _target(request),
            request.raw_headers,
            peer=peer,
            node_id=self._options.node_id,
            authority=upstream.authority,
            received_version=f"{request.version.major}.{request.version.minor}",
            chunked=chunked,
        )
        body = request.content if chunked or (request.content_length or 0) > 0 else None
        return Outgoing(request.method, head, body, chunked, self._options.max_body_bytes)

    async def _relay(self, exchange: Exchange, answer: "_Answer", fields: Fields) -> Served:
        """Write the upstream's answer to the client."""
        writer = answer.request.writer
        await writer.write(answer.head(fields))
        if answer.chunked:
            writer.enable_chunking()
        while not answer.body.at_eof():
            try:
                async with asyncio.timeout(self._options.upstream_timeout_seconds):
                    piece = await answer.body.readany()
            except (UpstreamError, TimeoutError) as error:
                self._lost(error)
                exchange.failed(error)
                answer.break_off()
                return Outcome.FAILED, RawResponse(keep_alive=False)
            await writer.write(piece)
        self._counters.upstream_answered += 1
        exchange.succeeded()
        await writer.write_eof()
        return Outcome.ADMITTED, RawResponse(keep_alive=answer.stays)

    def _own(self, request: web.BaseRequest, reply: Reply, *, may_stay: bool = True) -> web.StreamResponse:
        # After an Expect the client may send its body or not, now that it is not wanted.
        waits = _expects_continue(request) and not request.content.is_eof()
        stays = may_stay and not waits and self._may_stay(request)
        connection = _connection_field(request, stays)
        return RawResponse(
            keep_alive=stays, data=own_answer(reply, connection, head_only=request.method == "HEAD")
        )

    def _may_stay(self, request: web.BaseRequest) -> bool:
        # aiohttp takes the trailer section of a chunked body for the first fields of the next request.
        chunked = "Transfer-Encoding" in request.headers
        # Behind an offer to switch protocols that it does not know, it drops what came in the same segment.
        upgrade = request.headers.get("Upgrade", "websocket").lower() != "websocket"
        return bool(request.keep_alive) and not chunked and not upgrade and not self._is_draining()


class _Answer:
    """The upstream's answer, framed for this client (RFC 9112 §6)."""

    def __init__(self, request: web.BaseRequest, head: AnswerHead, body: AnswerBody, may_stay: bool) -> None:
        self.request = request
        self.body = body
        self._head = head
        self._until_close = head.length is None and request.version < (1, 1)
        self.chunked = head.length is None and not self._until_close
        self.stays = may_stay and not self._until_close

    def head(self, limit_fields: Fields) -> bytes:
        """The answer's head with the node's own fields."""
        added = [*limit_fields, *_connection_field(self.request, self.stays)]
        if self.chunked:
            added.append((b"Transfer-Encoding", b"chunked"))
        return response_head(self._head.status, self._head.reason, self._head.fields, added)

    def break_off(self) -> None:
        """Let the client see that the rest is missing: where only the close ends the body, by a reset."""
        transport = self.request.transport
        if transport is not None and self._until_close:
            reset(transport)
        elif transport is not None:
            transport.close()


def _passing_on(request: web.BaseRequest) -> OnInterim | None:
    """RFC 9110 §15.2: a proxy forwards interim answers, though none to HTTP/1.0."""
    if request.version < (1, 1):
        return None

    def pass_on(head: AnswerHead) -> None:
        if request.transport is not None:
            request.transport.write(response_head(head.status, head.reason, head.fields, []))

    return pass_on


def _target(request: web.BaseRequest) -> bytes:
    return request.raw_path.encode("utf-8", "surrogateescape")


def _host(request: web.BaseRequest) -> bytes:
    return request.headers.get("Host", "").encode("utf-8", "surrogateescape")


def _peer(request: web.BaseRequest) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return peer[0] if isinstance(peer, tuple) else "unknown"


def _connection_field(request: web.BaseRequest, stays: bool) -> Fields:
    if not stays:
        return [(b"Connection", b"close")]
    return [(b"Connection", b"keep-alive")] if request.version < (1, 1) else []


def _expects_continue(request: web.BaseRequest) -> bool:
    return request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue"
