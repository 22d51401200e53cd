"""The gateway of this checkout as the harness sees it: the only module here that imports `gateway`.

A build whose parts have other names, or other parts, changes this module and nothing else here; then its
records can be compared with those of another build. What it must keep: requests enter through the protocol
factory of the proxy, settings have the names of the generator, and counters, gauges and rejection records the
names below.
"""

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import Any
from unittest.mock import patch

import gateway
from gateway import clock, last_refusals, proxy_parts
from gateway.admission import Admission
from gateway.clock import RedisClock
from gateway.config.policy_files import read_policies
from gateway.config.settings import Settings
from gateway.errors import StoreUnavailable
from gateway.http.request_id import RequestIds
from gateway.limiter.batch import PendingCheck, notify
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.limiter import Limiter
from gateway.limiter.window_cache import WindowCache
from gateway.overrides import LiveOverrides
from gateway.policy.concurrency import InFlight
from gateway.proxy import tcp
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.server import ProxyState
from gateway.proxy.slots import ConnectionSlot, SlotPool
from gateway.proxy.upstream_pool import Upstreams
from gateway.request_context import RequestContext
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import GAUGES, Counters, Histogram
from gateway.version import VERSION
from tests.lanes.generator.case import Verdict
from tests.lanes.store import Script

LOGGER = "gateway"
"""The logger above all others of the product."""

Counted = dict[str, object]
"""By name: a number, numbers by label, or of a histogram the count by bucket and the sum in seconds."""


def build() -> str:
    """The version of the product, and whether its compiled code runs."""
    return (
        f"{VERSION} {'source' if str(proxy_parts.__file__).endswith('.py') and _is_source() else 'compiled'}"
    )


def _is_source() -> bool:
    return all(
        str(module.__file__).endswith(".py")
        for name, module in sys.modules.items()
        if name.startswith(f"{gateway.__name__}.")
    )


def request_of_log_record() -> tuple[str, str]:
    """The id of the request in the course of which something is logged now, and its client."""
    context = RequestContext.current()
    return ("", "") if context is None else (context.request_id, context.client)


@contextmanager
def replaced(
    monotonic: Callable[[], float],
    wall: Callable[[], float],
    read_remaining: Callable[[asyncio.BaseTransport, int], bytes],
) -> Iterator[None]:
    """Put these in the place of the product's clocks, and of what reads a socket that is lost."""
    replacements = {clock.monotonic: monotonic, clock.wall: wall, tcp.read_remaining: read_remaining}
    modules = [module for name, module in sys.modules.items() if name.startswith(f"{gateway.__name__}.")]
    with ExitStack() as stack:
        for module in modules:
            for name, value in list(vars(module).items()):
                if callable(value) and value.__hash__ is not None and value in replacements:
                    stack.enter_context(patch.object(module, name, replacements[value]))
        yield


class Gateway:
    """The proxy of one node: settings, policies, admission, server and upstreams are the real ones.

    Redis and the random source of request ids are given; sockets are those of the loop that runs.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        script: Script,
        draw: Callable[[int], bytes],
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        *,
        fast_lane: bool = True,
    ) -> None:
        read = Settings(**settings, fast_lane=fast_lane)
        self._is_draining = False
        self._counters = Counters(clients=ClientDeltas())
        self._connections = SlotPool(
            self._counters,
            max_connections=read.max_connections,
            max_per_address=read.address_connections,
            exempt=read.trusted_proxies,
        )
        redis_clock = RedisClock(lambda: int(wall() * 1e9))
        backlog = Backlog(self._counters)
        limiter = Limiter(
            _ScriptedStore(script),
            _ScriptedCache(script),
            Fallback(WindowCache(), backlog, redis_clock),
            self._counters,
            on_failure=read.on_store_failure,
            live_nodes=lambda: 2,
            now=monotonic,
        )
        policies = read_policies(read)
        self._upstreams = Upstreams(
            policies.upstreams,
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=read.upstream_connections,
            idle_seconds=read.upstream_idle_timeout,
        )
        self._addresses = {address.url: address for address in self._upstreams.addresses}
        self._max_places = read.upstream_connections
        self._in_flight = InFlight()
        self._ids = RequestIds(draw)
        self._proxy = ProxyState(
            policies,
            Admission(LiveOverrides(redis_clock), limiter, self._in_flight),
            self._upstreams,
            self._counters,
            proxy_parts.proxy_options(read),
            AccessLog(read.access_log),
            lambda: self._is_draining,
            self._ids,
        )
        self._force = asyncio.Event()
        self._downstream = proxy_parts.downstream(read, self._proxy, self._force)

    def begin_case(self) -> None:
        """Draw new request ids, keep no rejection records, and stop to drain."""
        self._is_draining = False
        self._ids._random, self._ids._used = b"", 0
        self._proxy.rejections.clear()

    def connect(self, peer: str) -> asyncio.Protocol | None:
        """The protocol of a new connection from this address; None where there is no slot for it."""
        place = self._connections.acquire(peer)
        return self._downstream(place) if isinstance(place, ConnectionSlot) else None

    @staticmethod
    def served_fast(protocol: asyncio.Protocol | None) -> int:
        """How many requests of a connection the engine has served."""
        return protocol.requests if isinstance(protocol, ClientConnection) else 0

    def drain(self) -> None:
        """The node is to stop: no connection is kept."""
        self._is_draining = True

    async def shut_down(self, seconds: float) -> None:
        """Let requests finish for so long, and end all connections of clients."""
        await self._downstream.shutdown(seconds)

    def force_shutdown(self) -> None:
        """Wait for no request any longer."""
        self._force.set()

    def reload(self, settings: Mapping[str, Any]) -> None:
        """Put the policies of these settings in force."""
        policies = read_policies(Settings(**settings))
        self._upstreams.load(policies.upstreams)
        self._proxy.policies = policies
        self._addresses |= {address.url: address for address in self._upstreams.addresses}

    def close_upstreams(self) -> None:
        """Drop the idle connections to upstreams."""
        self._upstreams.close()

    def counters(self) -> Counted:
        """All that the node has counted, gauges left out."""
        counted: Counted = {}
        for field in fields(self._counters):
            value = getattr(self._counters, field.name)
            if isinstance(value, Histogram):
                counted[field.name] = (dict(value.buckets()), value.sum_seconds)
            elif isinstance(value, ClientDeltas):
                requests, rejected = value.take()
                counted["client_requests"], counted["client_rejected"] = dict(requests), dict(rejected)
            elif isinstance(value, dict):
                counted[field.name] = {str(label): count for label, count in value.items()}
            elif field.name not in GAUGES:
                counted[field.name] = value
        return counted

    def gauges(self) -> dict[str, int]:
        """What requests and connections hold now: each is 0 once all of them are over."""
        addresses = self._addresses.values()
        return {
            **{name: getattr(self._counters, name) for name in GAUGES},
            "clients with a concurrency place": len(self._in_flight),
            "slots that may be evicted": len(self._connections._idle),
            "requests at upstreams": sum(address.active for address in addresses),
            "places at upstreams": sum(self._max_places - address._places.free for address in addresses),
            "requests that wait for a place": sum(len(address._places._waiting) for address in addresses),
            "idle upstream connections": sum(len(address._idle) for address in addresses),
        }

    def rejections(self, start: float) -> tuple[str, ...]:
        """The records of requests that were rejected for a limit in this case, with seconds since `start`."""
        return tuple(
            repr(last_refusals.refusal(kept, lambda at: at - start)) for kept in self._proxy.rejections
        )


class _ScriptedCache:
    """In the place of the limiter's memory of rejections: it remembers what the script says."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def rejection(self, hits: Sequence[Hit], now: float) -> tuple[WindowStatus, ...] | None:
        """Asked first of all for each request that is counted."""
        del now
        decision = self._script.turn(hits[0].key)
        if decision.verdict is not Verdict.REMEMBERED or hits[-1].shadow:
            return None
        return _statuses(self._script, hits)


class _ScriptedStore:
    """In the place of the limiter's Redis."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def check(self, hits: Sequence[Hit], on_result: Callable[[PendingCheck], None]) -> PendingCheck:
        """Decide as the script says, after its time.

        Raises:
            StoreUnavailable: that is the verdict.
        """
        decision = self._script.current(hits[0].key)
        statuses = _statuses(self._script, hits)
        if decision.verdict is Verdict.AWAY:
            raise StoreUnavailable("simulated")
        loop = asyncio.get_running_loop()
        asked = PendingCheck(hits, loop.time(), on_result)
        lost = decision.verdict is Verdict.LOST

        def answer() -> None:
            if asked.is_waiting:
                asked.result = StoreUnavailable("simulated") if lost else statuses
                notify([asked])

        if decision.seconds:
            loop.call_later(decision.seconds, answer)
        else:
            loop.call_soon(answer)
        return asked


def _statuses(script: Script, hits: Sequence[Hit]) -> tuple[WindowStatus, ...]:
    """One a window; the last of several windows is the one that rejects."""
    key = hits[0].key
    rejected = script.current(key).verdict in (Verdict.REFUSED, Verdict.REMEMBERED)
    last = len(hits) - 1
    return tuple(
        WindowStatus(not (rejected and place == last), 0 if rejected else script.remaining(key), 2.5 + place)
        for place in range(len(hits))
    )


def line_fields(record: logging.LogRecord) -> tuple[str, str, str, str, str]:
    """Level and message of a log record, the request's id and client, and the exception that it shows."""
    failure = record.exc_info[1] if record.exc_info else None
    return record.levelname, record.getMessage(), *request_of_log_record(), repr(failure)
