"""One node of a simulated cluster: the real limiter, store and counters on a simulated loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.clock import RedisClock
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.contract.records import LiveChanges, Reloads, TelemetryRecord
from gateway.contract.redis_url import parse_redis_url
from gateway.contract.window import MICROSECONDS
from gateway.limiter.decision import Hit, WindowStatus, admits
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.limiter import Limiter, LimiterResult
from gateway.limiter.store import Store
from gateway.limiter.window_cache import WindowCache
from gateway.redis_endpoint import Endpoint
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.process import Usage
from gateway.telemetry.publisher import NodeInfo, Recorder
from tests.model.loop import NodeLoop
from tests.simulation.course import By, Course
from tests.simulation.network import DrawnNetwork

_SILENCE_SECONDS = 1.0
_LAG_SECONDS = 0.001
_RSS_BYTES = 80_000_000
_ENDPOINT = Endpoint(parse_redis_url("redis://127.0.0.1:6379/0"))


@dataclass(frozen=True)
class Settings:
    """As nodes are set, and what a request takes of their processor beside waiting."""

    limit: Limit
    nodes: int
    deadline_seconds: float = 0.05
    request_us: int = 30


class Node:
    """A process with one event loop, which serves one request after the other."""

    def __init__(
        self,
        number: int,
        loop: NodeLoop,
        network: DrawnNetwork,
        settings: Settings,
        origin: int,
        course: Course,
    ) -> None:
        """Redis' clock shows `origin` microseconds when the world's shows 0."""
        self.number = number
        self.loop = loop
        self.counters = Counters()
        self.cache = WindowCache()
        self.backlog = Backlog(self.counters)
        self.clock = RedisClock(lambda: (origin + loop.tick) * 1000)
        self._network = network
        self._settings = settings
        self._course = course
        self._decisions = 0
        self._recorder = Recorder(
            NodeInfo(f"node-{number + 1}", "", "", "", ""),
            self.counters,
            self.clock,
            lambda: _LAG_SECONDS,
            lambda: self.store.connected,
            lambda: self.store.last_error,
            LiveChanges,
            Reloads,
            self._usage,
            now=loop.time,
            wall=lambda: (origin + loop.tick) / MICROSECONDS,
        )

    def _usage(self) -> Usage:
        return Usage(self.counters.totals.requests * self._settings.request_us / MICROSECONDS, _RSS_BYTES)

    def record(self) -> TelemetryRecord:
        """A second is over."""
        self._recorder.tick()
        return self._recorder.entry().last

    def start(self) -> None:
        """Be there from now on."""
        self.loop.arrive(None, self._start)

    def _start(self) -> None:
        settings = self._settings
        self.store = Store(
            _ENDPOINT,
            self.clock,
            self.counters,
            self.cache,
            self.backlog,
            deadline_seconds=settings.deadline_seconds,
            silence_seconds=_SILENCE_SECONDS,
            now=self.loop.now,
        )
        self._limiter = Limiter(
            self.store,
            self.cache,
            Fallback(self.cache, self.backlog, self.clock),
            self.counters,
            on_failure="local",
            live_nodes=lambda: settings.nodes,
            now=self.loop.now,
        )
        self._runs = self.loop.create_task(self.store.run())

    def ask(self, client: str) -> None:
        """A request arrives."""
        self.loop.arrive(None, self._begin, client, self.loop.world.now)

    def _begin(self, client: str, arrived: int) -> None:
        self.loop.tick += self._settings.request_us
        limit = self._settings.limit
        hits = (Hit(keys.window(client, keys.CLIENT_SCOPE, limit.period_seconds, 0), limit),)
        refusal = self._limiter.recall(hits)
        if refusal is not None:
            self._end(client, hits, arrived, refusal, By.MEMORY)
            return
        told = self._limiter.check(hits, partial(self._answered, client, hits, arrived))
        if isinstance(told, tuple):
            self._end(client, hits, arrived, told, By.NODE)

    def _answered(self, client: str, hits: Sequence[Hit], arrived: int, told: LimiterResult) -> None:
        by_store = self.counters.store_decisions > self._decisions
        self._decisions = self.counters.store_decisions
        assert isinstance(told, tuple), told
        self._end(client, hits, arrived, told, By.STORE if by_store else By.NODE)

    def _end(
        self, client: str, hits: Sequence[Hit], arrived: int, statuses: Sequence[WindowStatus], by: By
    ) -> None:
        passes = admits(hits, statuses)
        counters, ended = self.counters, self.loop.tick
        counters.count(Outcome.ADMITTED if passes else Outcome.REFUSED)
        counters.clients.count(client, refused=not passes)
        if passes:
            self._served(ended - arrived)
        counted = self._network.counted_at[hits[0].key.encode()] if by is By.STORE else ended
        self._course.note(client, arrived, ended, by, counted if passes else None)

    def _served(self, decided_us: int) -> None:
        """The upstream has answered, as upstreams do."""
        counters, upstream = self.counters, 0.02 * self.loop.world.random.lognormvariate(0, 0.7)
        counters.upstream_answered += 1
        counters.upstream_latency.add(upstream)
        counters.latency.add(decided_us / MICROSECONDS + upstream)
