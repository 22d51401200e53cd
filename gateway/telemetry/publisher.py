"""Publishes the node's record once a second, and reads what the others and the operators say."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from gateway.clock import monotonic
from gateway.contract import keys, policy_table, roster, telemetry
from gateway.contract.codec import RecordError, decode, encode
from gateway.contract.overrides import POLL_SECONDS
from gateway.contract.policy_table import PolicyTable
from gateway.contract.roster import RosterEntry
from gateway.overrides import LiveOverrides
from gateway.telemetry.recorder import Recorder

_TABLE_SECONDS = 60.0
_LIVE_SECONDS = 2.5

logger = logging.getLogger(__name__)


class Publisher:
    """The node's side of everything in Redis that is not counting."""

    def __init__(
        self, redis: Redis, recorder: Recorder, table: PolicyTable, overrides: LiveOverrides
    ) -> None:
        self._redis = redis
        self._recorder = recorder
        self._table = table
        self._overrides = overrides
        self._introduced = False
        self._table_due = 0.0
        self._live_nodes = 1

    @property
    def live_nodes(self) -> int:
        """How many nodes were seen at work when Redis last answered, this one included."""
        return self._live_nodes

    async def run_telemetry(self) -> None:
        """Publish, for ever, once a second."""
        await self._repeat(self._publish, telemetry.INTERVAL_SECONDS)

    async def run_overrides(self) -> None:
        """Take over live changes, for ever, each half second."""
        await self._repeat(lambda: self._overrides.refresh(self._redis), POLL_SECONDS)

    async def _repeat(self, step: Callable[[], Awaitable[None]], interval_seconds: float) -> None:
        due = monotonic()
        told = ""
        while True:
            try:
                await step()
            except ResponseError as error:
                if str(error) != told:
                    told = str(error)
                    logger.warning("Redis answers, and refuses: %s", told)
            except (RedisError, OSError) as error:
                logger.debug("not done, as Redis is away: %s", error)
            else:
                told = ""
            due = max(due + interval_seconds, monotonic())
            await asyncio.sleep(due - monotonic())

    async def say_farewell(self) -> None:
        """Publish the last record, marked as leaving; without Redis nobody learns of it."""
        self._recorder.tick()
        try:
            await self._write(self._recorder.entry(leaving=True))
        except (RedisError, OSError) as error:
            logger.warning("left without a farewell, as Redis is away: %s", error)

    async def _publish(self) -> None:
        self._recorder.tick()
        if not self._introduced:
            await self._introduce()
        entry = self._recorder.entry()
        await self._write(entry)
        await self._look_around(entry)

    async def _introduce(self) -> None:
        """Go on from the totals of this node's earlier boots, and clear out nodes that left long ago."""
        entries = await self._roster()
        last = entries.get(self._recorder.node.node_id)
        if last is not None and last.last.boot_id != self._recorder.boot_id:
            self._recorder.carried = last.last.carried + last.last.boot
        now = self._recorder.entry().last.at
        gone = [
            node_id
            for node_id, entry in entries.items()
            if entry.last.leaving and now - entry.last.at > roster.FORGET_AFTER_SECONDS
        ]
        if gone:
            await self._redis.hdel(keys.NODES, *gone)
        self._introduced = True

    async def _write(self, entry: RosterEntry) -> None:
        record = encode(entry.last)
        longest = min(
            int(telemetry.STREAM_SECONDS / telemetry.INTERVAL_SECONDS) * self._live_nodes,
            telemetry.STREAM_BYTES // len(record),
        )
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(keys.TELEMETRY, {telemetry.STREAM_FIELD: record}, maxlen=longest, approximate=True)
            pipeline.hset(keys.NODES, self._recorder.node.node_id, encode(entry))
            if monotonic() >= self._table_due:
                digest = self._recorder.node.policy_digest
                pipeline.set(keys.policy_table(digest), encode(self._table), ex=policy_table.LIFETIME_SECONDS)
                self._table_due = monotonic() + _TABLE_SECONDS
            await pipeline.execute()

    async def _look_around(self, own: RosterEntry) -> None:
        others = [
            entry
            for node_id, entry in (await self._roster()).items()
            if node_id != self._recorder.node.node_id
            and not entry.last.leaving
            and own.last.at - entry.last.at < _LIVE_SECONDS
        ]
        self._live_nodes = 1 + len(others)

    async def _roster(self) -> dict[str, RosterEntry]:
        entries = {}
        for node_id, text in (await self._redis.hgetall(keys.NODES)).items():
            try:
                entries[str(node_id)] = decode(RosterEntry, text)
            except RecordError as error:
                logger.debug("a roster entry that cannot be read: %s", error)
        return entries
