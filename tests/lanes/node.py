"""A node on a loop of its own, with its clients and upstreams."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.lanes.entry import Gateway
from tests.lanes.generator.case import Case, Drain, End, Hold, Leave, Pause, Send, Step
from tests.lanes.generator.configuration import Configuration
from tests.lanes.kernel import monotonic, wall
from tests.lanes.loop import LaneLoop
from tests.lanes.record import Seen, Stream
from tests.lanes.service import Services
from tests.lanes.store import Script
from tests.lanes.wire import Wire

_LAST_SECONDS = 1.2
"""In which what the clients left behind comes to its end."""
_REST_SECONDS = 61.0
"""In which connections to upstreams that are idle are closed."""


class Client:
    """One client's connection."""

    def __init__(self, loop: LaneLoop, *, by_tls: bool) -> None:
        self.stream = Stream(loop)
        self.wire = Wire(loop, self, by_tls=by_tls)
        self.protocol: Any = None

    def received(self, data: bytes) -> None:
        """The node sends."""
        self.stream.add(data)

    def ended(self, end: End) -> None:
        """The node's side has ended."""
        self.stream.add(end)


class Node:
    """Lives through one case after the other."""

    def __init__(self, configuration: Configuration, folder: Path, *, fast_lane: bool = True) -> None:
        self.loop = LaneLoop()
        self.services = Services(self.loop)
        self.loop.dial = self.services.dial
        self.gateway: Gateway
        self._script = Script()
        self._cases = 0
        settings = configuration.settings(folder)
        self.loop.run(partial(self._build, settings, fast_lane=fast_lane))

    def _build(self, settings: dict[str, Any], *, fast_lane: bool) -> None:
        self.gateway = Gateway(settings, self._script, self.loop.draw, monotonic, wall, fast_lane=fast_lane)

    def live_through(self, case: Case) -> Seen:
        """What is seen of it."""
        start = self.loop.time()
        self._cases += 1
        self.loop.begin_case(self._cases)
        self._script.load(case.decisions, by_client=False)
        self.services.load(case.behaviours, case.refused_dials)
        self.gateway.begin_case()
        clients = [self._connect(peer) for peer in case.peers]
        for step in case.steps:
            self._do(step, clients)
            self.loop.settle()
        self.loop.advance(case.end_seconds)
        for client in clients:
            client.wire.hold(still=False)
        self.loop.advance(_LAST_SECONDS)
        for client in clients:
            self.loop.run(client.wire.arrive, End.BY_RESET)
        self.loop.advance(_LAST_SECONDS)
        self.loop.served_fast += sum(self.gateway.served_fast(client.protocol) for client in clients)
        logged, self.loop.logged = tuple(self.loop.logged), []
        return Seen(
            tuple(client.stream.take(start) for client in clients),
            self.services.take(start),
            self.gateway.counters(),
            logged,
            self.gateway.rejections(start),
            {**self.gateway.gauges(), "tasks": self.loop.tasks},
        )

    def rest(self) -> dict[str, int]:
        """What is still held when connections to upstreams that are idle have had the time to close."""
        self.loop.advance(_REST_SECONDS)
        return {**self.gateway.gauges(), "tasks": self.loop.tasks, "timers": self.loop.timers}

    def _connect(self, peer: str) -> Client:
        address, _, scheme = peer.partition(" ")
        client = Client(self.loop, by_tls=scheme == "tls")

        def made() -> None:
            client.protocol = self.gateway.connect(address)
            assert client.protocol is not None
            client.wire.set_protocol(client.protocol)
            client.protocol.connection_made(client.wire)

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
                self.gateway.drain()

    def end(self) -> None:
        """It is not needed any more."""

        async def shut_down() -> None:
            self.gateway.close_upstreams()
            await self.gateway.shut_down(0.1)

        def begin() -> None:
            self._ending: Any = self.loop.create_task(shut_down())

        self.loop.run(begin)
        self.loop.advance(1.0)
        self.loop.end()
