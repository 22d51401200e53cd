"""Who else is at work, as the roster in Redis says."""

import logging
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import FORGET_AFTER_SECONDS, RecordError, RosterEntry, Totals, decode

_LIVE_SECONDS = 2.5
_GAP_SECONDS = 2.0  # between two looks, where one a second is usual

Record = TypeVar("Record")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LastSign:
    at: float
    leaving: bool


@dataclass(frozen=True, slots=True)
class _Presence:
    """What of a `RosterEntry` says whether a node is there; to read only this is much quicker."""

    last: _LastSign


class Roster:
    """The other nodes. Errors of redis-py pass through, and leave what was known."""

    def __init__(self, redis: Redis, node_id: str) -> None:
        self._redis = redis
        self._node_id = node_id
        self._live_nodes = 1
        self._looked_at = -inf
        self._steady_since = -inf
        self.own_entry: str | bytes | None = None
        """What stood there under this node's id at the last look, whoever wrote it."""

    @property
    def live_nodes(self) -> int:
        """How many nodes were seen at work when Redis last answered, this one included."""
        return self._live_nodes

    def told(self, live_nodes: int) -> None:
        """Another process of this node has looked, and saw so many."""
        self._live_nodes = live_nodes

    async def look_around(self, now: float) -> None:
        """Count who was at work at `now`, and clear out nodes that left long ago."""
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
        self._learn(live, now)
        if gone:
            await self._redis.hdel(keys.NODES, *gone)

    def _learn(self, live: int, now: float) -> None:
        """After an outage the others' records are old until they write again: no sign of fewer nodes."""
        if not 0 <= now - self._looked_at <= _GAP_SECONDS:
            self._steady_since = now
        self._looked_at = now
        if live >= self._live_nodes or now - self._steady_since >= _LIVE_SECONDS:
            self._live_nodes = live

    async def earlier_totals(self, boot_id: str) -> Totals:
        """What this node's boots before `boot_id` counted, as far as they could tell."""
        text = await self._redis.hget(keys.NODES, self._node_id)
        entry = None if text is None else _read(RosterEntry, text)
        if entry is None or entry.last.boot_id == boot_id:
            return Totals()
        return entry.last.carried + entry.last.boot


def _read(kind: type[Record], text: str | bytes) -> Record | None:
    try:
        return decode(kind, text)
    except RecordError as error:
        logger.debug("a roster entry that cannot be read: %s", error)
        return None
