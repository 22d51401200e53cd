"""Publishes the node's record once a second, and its policies now and then."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from gateway.clock import monotonic
from gateway.contract import keys, policy_table
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import (
    HISTORY_STREAM,
    STREAM_FIELD,
    TELEMETRY_STREAM,
    RecordStream,
    RosterEntry,
    TelemetryRecord,
    encode,
    for_history,
)
from gateway.errors import REDIS_TROUBLE
from gateway.telemetry.namesake import Namesake
from gateway.telemetry.recorder import Recorder
from gateway.telemetry.roster import Roster

_TABLE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Publisher:
    """Writes the telemetry stream, the node's roster entry and its policy table."""

    def __init__(self, redis: Redis, recorder: Recorder, table: PolicyTable, roster: Roster) -> None:
        self._redis = redis
        self._recorder = recorder
        self._table = table
        self._roster = roster
        self._namesake = Namesake(recorder.node.node_id, recorder.boot_id)
        self._knows_its_past = False
        self._told: PolicyTable | None = None
        self._table_due = 0.0
        self._turn = asyncio.Lock()
        self._has_left = False

    def enforce(self, table: PolicyTable) -> None:
        """Publish another table from now on: under its digest, with the next record."""
        self._table = table
        self._recorder.node = replace(self._recorder.node, policy_digest=table.digest())

    async def publish(self) -> None:
        """One second's record. Errors of redis-py pass through, and the next record makes up for it.

        Behind the farewell there is none: the node would seem to have gone without one.
        """
        async with self._turn:
            if self._has_left:
                return
            self._recorder.tick()
            if not self._knows_its_past:
                self._recorder.carried = await self._roster.earlier_totals(self._recorder.boot_id)
                self._knows_its_past = True
            entry = self._recorder.entry()
            await self._roster.look_around(entry.last.at)
            if self._told is not None:
                self._namesake.look(self._roster.own_entry)
            await self._write(entry)

    async def say_farewell(self) -> None:
        """Publish the last record, marked as leaving; without Redis nobody learns of it."""
        async with self._turn:
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
            if table is not self._told or monotonic() >= self._table_due:
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
            if isinstance(error, RedisError):  # in Redis' own words, and not in those of the pipeline
                raise error
        self._told = table

    def _add(self, pipeline: Pipeline, stream: RecordStream, record: TelemetryRecord) -> None:
        text = encode(record)
        longest = stream.max_entries(len(text), self._roster.live_nodes)
        pipeline.xadd(stream.key, {STREAM_FIELD: text}, maxlen=longest, approximate=True)


def _evicted_by(stats: Any) -> int | None:
    """What Redis' statistics say of it; a server may refuse to tell them, and not each has this one."""
    told = stats.get("evicted_keys") if isinstance(stats, dict) else None
    return told if isinstance(told, int) else None
