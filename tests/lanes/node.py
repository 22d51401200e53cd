"""One of two nodes: built as `gateway.building` builds it, on a loop of its own, with its clients."""

import asyncio
import ssl
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gateway import proxy_parts
from gateway.admission import Admission
from gateway.clock import RedisClock
from gateway.connections import Connections, Place
from gateway.in_flight import InFlight
from gateway.limiter.fallback import Fallback
from gateway.limiter.ledger import Ledger
from gateway.limiter.limiter import Limiter
from gateway.limiter.views import Views
from gateway.overrides import LiveOverrides
from gateway.policy_files import read_policies
from gateway.proxy.front import Front
from gateway.proxy.request_id import RequestIds
from gateway.proxy.shared import Shared
from gateway.proxy.upstream import Upstreams
from gateway.settings import Settings
from gateway.telemetry.clients import UntoldClients
from gateway.telemetry.counters import Counters
from tests.lanes.case import Case, Drain, End, Hold, Leave, Pause, Send, Step
from tests.lanes.configuration import Configuration
from tests.lanes.kernel import monotonic, wall
from tests.lanes.loop import LaneLoop
from tests.lanes.record import Seen, Stream, told
from tests.lanes.service import Services
from tests.lanes.store import Script, ScriptedStore, ScriptedViews
from tests.lanes.wire import Wire

_LAST_SECONDS = 1.2
"""In which what the clients left behind comes to its end."""
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Client:
    """One client's connection."""

    def __init__(self, loop: LaneLoop, *, by_tls: bool) -> None:
        self.stream = Stream(loop)
        self.wire = Wire(loop, self, by_tls=by_tls)
        self.front: Front | None = None

    def received(self, data: bytes) -> None:
        """The node sends."""
        self.stream.add(data)

    def ended(self, end: End) -> None:
        """The node's side has ended."""
        self.stream.add(end)


def _is_one_instant(step: Step, following: Step | None) -> bool:
    """Only of one client: two at one instant would have no order."""
    if not (isinstance(step, Send) and isinstance(following, Send)):
        return False
    return step.joined and step.client == following.client


class Node:
    """Lives through one case after the other."""

    def __init__(self, configuration: Configuration, folder: Path, *, fast_lane: bool) -> None:
        self.loop = LaneLoop()
        self.services = Services(self.loop)
        self.loop.dial = self.services.dial
        self._script = Script()
        self._stop = False
        self.counters = Counters(clients=UntoldClients())
        self._connections = Connections(self.counters, most=1000)
        settings = Settings(**configuration.settings(folder), fast_lane=fast_lane)
        self.loop.run(self._build, settings)

    def _build(self, settings: Settings) -> None:
        clock = RedisClock(lambda: int(wall() * 1e9))
        ledger = Ledger(self.counters)
        limiter = Limiter(
            ScriptedStore(self._script),
            ScriptedViews(self._script),
            Fallback(Views(), ledger, clock),
            self.counters,
            on_failure=settings.on_store_failure,
            live_nodes=lambda: 2,
            now=monotonic,
        )
        policies = read_policies(settings)
        upstreams = Upstreams(
            policies.upstreams,
            _NO_TLS,
            max_connections=settings.upstream_connections,
            idle_seconds=settings.upstream_idle_timeout,
        )
        self._shared = Shared(
            policies,
            Admission(LiveOverrides(clock), limiter, InFlight()),
            upstreams,
            self.counters,
            proxy_parts.proxy_options(settings),
            lambda: self._stop,
            RequestIds(self.loop.draw),
        )
        self._downstream = proxy_parts.downstream(settings, self._shared, asyncio.Event())

    def live_through(self, case: Case) -> Seen:
        """What is seen of it."""
        self._script.load(case.decisions)
        self.services.load(case.behaviours, case.refused_dials)
        self._stop = False
        clients = [self._connect(peer) for peer in case.peers]
        for step, following in zip_longest(case.steps, case.steps[1:]):
            self._do(step, clients)
            if not _is_one_instant(step, following):
                self.loop.settle()
        self.loop.advance(case.end_seconds)
        for client in clients:
            client.wire.hold(still=False)
        self.loop.advance(_LAST_SECONDS)
        for client in clients:
            self.loop.run(client.wire.arrive, End.BY_RESET)
        self.loop.advance(_LAST_SECONDS)
        self.loop.served_fast += sum(client.front.requests for client in clients if client.front is not None)
        logged, self.loop.logged = tuple(self.loop.logged), []
        taken = tuple(client.stream.take() for client in clients)
        is_held = any(isinstance(step, Hold) for step in case.steps)
        services = self.services.take(with_ends=not is_held)
        return Seen(taken, services, told(self.counters), logged)

    def _connect(self, peer: str) -> Client:
        address, _, scheme = peer.partition(" ")
        client = Client(self.loop, by_tls=scheme == "tls")
        place = self._connections.take(address)
        assert isinstance(place, Place)

        def made() -> None:
            protocol = self._downstream(place)
            client.wire.set_protocol(protocol)
            protocol.connection_made(client.wire)
            if isinstance(protocol, Front):
                client.front = protocol

        self.loop.run(made)
        return client

    def _do(self, step: Step, clients: Sequence[Client]) -> None:
        match step:
            case Send(number, data):
                self.loop.call_soon(clients[number].wire.arrive, data)
            case Pause(seconds):
                self.loop.advance(seconds)
            case Hold(number, still):
                self.loop.run(partial(clients[number].wire.hold, still=still))
            case Leave(number, end):
                self.loop.run(clients[number].wire.arrive, end)
            case Drain():
                self._stop = True

    def end(self) -> None:
        """It is not needed any more."""

        async def shut_down() -> None:
            self._shared.upstreams.close()
            await self._downstream.shutdown(0.1)

        def begin() -> None:
            self._ending: Any = self.loop.create_task(shut_down())

        self.loop.run(begin)
        self.loop.advance(1.0)
        self.loop.end()
