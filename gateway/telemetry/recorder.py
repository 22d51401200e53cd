"""Makes the node's record and roster entry from what it counts."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from gateway.clock import RedisClock, monotonic, wall
from gateway.contract.records import (
    LiveChanges,
    Reloads,
    RosterEntry,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
)
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.process import Usage, usage

_TROUBLE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What seldom changes while a node serves; its addresses are known when it listens."""

    node_id: str
    address: str
    admin_address: str
    version: str
    policy_digest: str


class Recorder:
    """Numbers its records from 1."""

    def __init__(
        self,
        node: NodeInfo,
        counters: Counters,
        clock: RedisClock,
        take_lag_seconds: Callable[[], float],
        store_connected: Callable[[], bool],
        store_trouble: Callable[[], str],
        live_changes: Callable[[], LiveChanges],
        reloads: Callable[[], Reloads],
        usage: Callable[[], Usage] = usage,
        *,
        now: Callable[[], float] = monotonic,
        wall: Callable[[], float] = wall,
    ) -> None:
        """`take_lag_seconds` tells the longest lag of the event loop since it was last asked.

        `now` tells monotonic seconds, and `wall` those since 1970 by the node's own clock.
        """
        self.node = node
        self.boot_id = uuid.uuid4().hex[:12]
        self.carried = Totals()
        self._counters = counters
        self._clock = clock
        self._take_lag_seconds = take_lag_seconds
        self._store_connected = store_connected
        self._store_trouble = store_trouble
        self._live_changes = live_changes
        self._reloads = reloads
        self._usage = usage
        self._now = now
        self._wall = wall
        self._started = now()
        self._sequence = 0
        self._lag_seconds = 0.0
        self.evicted: int | None = None
        """How many keys Redis said last that it has evicted."""

    def tick(self) -> None:
        """A second is over: the next record begins."""
        self._sequence += 1
        self._lag_seconds = self._take_lag_seconds()
        self._counters.clients.tick()

    def entry(self, *, leaving: bool = False) -> RosterEntry:
        """How things stand now: the roster entry with a record under the present number."""
        node = self.node
        record = self._record(leaving=leaving)
        return RosterEntry(node.address, node.admin_address, node.version, node.policy_digest, record)

    def _record(self, *, leaving: bool) -> TelemetryRecord:
        counters, usage = self._counters, self._usage()
        now = self._now()
        at = self._clock.seconds(now)
        return TelemetryRecord(
            node_id=self.node.node_id,
            boot_id=self.boot_id,
            sequence=self._sequence,
            at=at,
            started_at=at - (now - self._started),
            leaving=leaving,
            boot=counters.totals,
            carried=self.carried,
            malformed=counters.messages[Outcome.MALFORMED],
            upstream=UpstreamTotals(
                counters.upstream_answered,
                counters.upstream_server_errors,
                counters.upstream_broken,
                counters.upstream_timed_out,
            ),
            store=StoreStatus(
                self._store_connected(),
                counters.store_decisions,
                counters.store_fallbacks,
                counters.store_discarded,
                counters.store_remembered,
                counters.store_posted,
                counters.store_uncertain,
                trouble=self._store_trouble()[:_TROUBLE_LENGTH],
                evicted=self.evicted,
            ),
            latency=counters.latency.buckets(),
            upstream_latency=counters.upstream_latency.buckets(),
            store_latency=counters.store_latency.buckets(),
            in_flight=counters.in_flight,
            loop_lag_seconds=self._lag_seconds,
            cpu_seconds=usage.cpu_seconds,
            rss_bytes=usage.rss_bytes,
            clock_skew_seconds=self._wall() - at,
            clients=counters.clients.sketch,
            busiest=counters.clients.busiest,
            most_refused=counters.clients.most_refused,
            overrides=self._live_changes(),
            reloads=self._reloads(),
            new_clients=counters.clients.new,
            workers=usage.workers,
        )
