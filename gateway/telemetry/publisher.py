"""Publishes the node's record and roster entry once a second, and its policy table once a minute."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from gateway.clock import RedisClock, monotonic, wall
from gateway.contract import keys, policy_table
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import (
    FORGET_AFTER_SECONDS,
    HISTORY_STREAM,
    STREAM_FIELD,
    TELEMETRY_STREAM,
    LiveChanges,
    RecordError,
    RecordStream,
    Reloads,
    RosterEntry,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
    decode,
    encode,
    for_history,
)
from gateway.errors import REDIS_TROUBLE
from gateway.telemetry.counters import Counters, Outcome
from gateway.telemetry.process import Usage, usage

_TABLE_SECONDS = 60.0
_TROUBLE_LENGTH = 300
_LIVE_SECONDS = 2.5
_MAX_POLL_GAP_SECONDS = 2.0  # the roster is polled once a second
_DUPLICATE_POLLS = 3
"""Consecutive polls with another boot id; a node that is being replaced may write once more as it leaves."""

Record = TypeVar("Record")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """Identity of the node; its addresses are known once it listens."""

    node_id: str
    address: str
    admin_address: str
    version: str
    policy_digest: str


class Recorder:
    """Builds the record and roster entry from the counters; records are numbered from 1."""

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
        """`take_lag_seconds`: longest lag of the event loop since the last call.

        `now`: monotonic seconds. `wall`: seconds since 1970 by the node's own clock.
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
        """Evicted keys as last reported by Redis."""

    def tick(self) -> None:
        """Begin the next record; call once a second."""
        self._sequence += 1
        self._lag_seconds = self._take_lag_seconds()
        self._counters.clients.tick()

    def entry(self, *, leaving: bool = False) -> RosterEntry:
        """The roster entry with the current record."""
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


@dataclass(frozen=True, slots=True)
class _LastRecord:
    at: float
    leaving: bool
    boot_id: str


@dataclass(frozen=True, slots=True)
class _Presence:
    """The fields of a `RosterEntry` that other nodes read; decoding only these is much faster."""

    address: str
    last: _LastRecord


class Roster:
    """The other nodes. Errors of redis-py pass through and leave the state unchanged."""

    def __init__(self, redis: Redis, node_id: str) -> None:
        self._redis = redis
        self._node_id = node_id
        self._live_nodes = 1
        self._polled_at = -inf
        self._continuous_since = -inf
        self.own_entry: str | bytes | None = None
        """Content of this node's field at the last poll, which another node may have written."""

    @property
    def live_nodes(self) -> int:
        """Live nodes at the last poll, this one included."""
        return self._live_nodes

    def set_live_nodes(self, live_nodes: int) -> None:
        """Take over the result of another process of this node."""
        self._live_nodes = live_nodes

    async def poll(self, now: float) -> None:
        """Count nodes live at `now`, and remove those that left long ago."""
        live, gone = 1, []
        entries = await self._redis.hgetall(keys.NODES)
        self.own_entry = entries.pop(self._node_id, None)
        for node_id, text in entries.items():
            last = _read(_Presence, text)
            if last is None:
                continue
            age_seconds = now - last.last.at
            live += not last.last.leaving and abs(age_seconds) < _LIVE_SECONDS
            if last.last.leaving and age_seconds > FORGET_AFTER_SECONDS:
                gone.append(str(node_id))
        self._update(live, now)
        if gone:
            await self._redis.hdel(keys.NODES, *gone)

    def _update(self, live: int, now: float) -> None:
        """After a Redis outage the count only rises until the other nodes had time to write again."""
        if not 0 <= now - self._polled_at <= _MAX_POLL_GAP_SECONDS:
            self._continuous_since = now
        self._polled_at = now
        if live >= self._live_nodes or now - self._continuous_since >= _LIVE_SECONDS:
            self._live_nodes = live

    async def totals_before_boot(self, boot_id: str) -> Totals:
        """Totals of this node's boots before `boot_id`, as far as they were published."""
        text = await self._redis.hget(keys.NODES, self._node_id)
        entry = None if text is None else _read(RosterEntry, text)
        if entry is None or entry.last.boot_id == boot_id:
            return Totals()
        return entry.last.carried + entry.last.boot


class DuplicateNodeDetector:
    """Warns when another gateway writes to the roster under this node's id."""

    def __init__(self, node_id: str, boot_id: str) -> None:
        self._node_id = node_id
        self._boot_id = boot_id
        self._polls = 0
        self._reported = ""

    def check(self, text: str | bytes | None) -> None:
        """Check the content of this node's field, once a second; warns once for each other boot."""
        writer = None if text is None else _read(_Presence, text)
        other = "" if writer is None else writer.last.boot_id
        self._polls = self._polls + 1 if other not in ("", self._boot_id) else 0
        if writer is not None and self._polls >= _DUPLICATE_POLLS and other != self._reported:
            self._reported = other
            logger.warning(
                "another gateway writes as %s (at %s, boot %s; this is boot %s): each hides the other's "
                "counts, so give each a NODE_ID of its own",
                self._node_id,
                writer.address,
                other,
                self._boot_id,
            )


def _read(kind: type[Record], text: str | bytes) -> Record | None:
    try:
        return decode(kind, text)
    except RecordError as error:
        logger.debug("a roster entry that cannot be read: %s", error)
        return None


class Publisher:
    """Writes the telemetry stream, the node's roster entry and its policy table."""

    def __init__(self, redis: Redis, recorder: Recorder, table: PolicyTable, roster: Roster) -> None:
        self._redis = redis
        self._recorder = recorder
        self._table = table
        self._roster = roster
        self._duplicates = DuplicateNodeDetector(recorder.node.node_id, recorder.boot_id)
        self._restored = False
        self._published: PolicyTable | None = None
        self._table_due = 0.0
        self._lock = asyncio.Lock()
        self._has_left = False

    def enforce(self, table: PolicyTable) -> None:
        """Publish this table with the next record, under its digest."""
        self._table = table
        self._recorder.node = replace(self._recorder.node, policy_digest=table.digest())

    async def publish(self) -> None:
        """Publish a second's record. Errors of redis-py pass through; counts are cumulative.

        Does nothing after `publish_leaving`: the node would seem to have crashed.
        """
        async with self._lock:
            if self._has_left:
                return
            self._recorder.tick()
            if not self._restored:
                self._recorder.carried = await self._roster.totals_before_boot(self._recorder.boot_id)
                self._restored = True
            entry = self._recorder.entry()
            await self._roster.poll(entry.last.at)
            if self._published is not None:
                self._duplicates.check(self._roster.own_entry)
            await self._write(entry)

    async def publish_leaving(self) -> None:
        """Publish the final record, marked as leaving; only logs errors of Redis."""
        async with self._lock:
            self._has_left = True
            self._recorder.tick()
            try:
                await self._write(self._recorder.entry(leaving=True))
            except REDIS_TROUBLE as error:
                logger.warning("left without a farewell, as Redis is away: %s", error)

    async def _write(self, entry: RosterEntry) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.info("stats")
            table = self._table
            if table is not self._published or monotonic() >= self._table_due:
                key, text = keys.policy_table(self._recorder.node.policy_digest), encode(table)
                pipeline.set(key, text, ex=policy_table.LIFETIME_SECONDS)
                self._table_due = monotonic() + _TABLE_SECONDS
            self._add(pipeline, TELEMETRY_STREAM, entry.last)
            if HISTORY_STREAM.includes(entry.last.sequence):
                self._add(pipeline, HISTORY_STREAM, for_history(entry.last))
            pipeline.hset(keys.NODES, self._recorder.node.node_id, encode(entry))
            stats, *replies = await pipeline.execute(raise_on_error=False)
        self._recorder.evicted = _evicted_by(stats)
        for error in replies:
            if isinstance(error, RedisError):  # as Redis words it, without the pipeline's prefix
                raise error
        self._published = table

    def _add(self, pipeline: Pipeline, stream: RecordStream, record: TelemetryRecord) -> None:
        text = encode(record)
        longest = stream.max_entries(len(text), self._roster.live_nodes)
        pipeline.xadd(stream.key, {STREAM_FIELD: text}, maxlen=longest, approximate=True)


def _evicted_by(stats: Any) -> int | None:
    """None where the server refuses INFO or lacks this field."""
    evicted = stats.get("evicted_keys") if isinstance(stats, dict) else None
    return evicted if isinstance(evicted, int) else None
