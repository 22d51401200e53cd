"""The nodes that the subject knows: those of the roster, and those that only a Redis of before knew."""

from collections.abc import Mapping
from contextlib import suppress

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import AuditRecord, RosterEntry
from subject.errors import RedisRefusesError
from subject.telemetry.redis_reads import Basics
from subject.telemetry.streams import read_stream


class KnownNodes:
    """Remembers the last roster.

    A Redis that was started again may have lost what it held: no node is gone by that.
    """

    def __init__(self) -> None:
        self.roster: Mapping[str, RosterEntry] = {}
        self.unread: tuple[str, ...] = ()  # the ids whose entries cannot be read
        self._server = ""
        self._lost: Mapping[str, RosterEntry] = {}
        self._forgotten_until = "0"

    async def take(self, redis: Redis, basics: Basics) -> None:
        """What Redis has of them now. Errors of redis-py pass through, but for those that it answers with."""
        if basics.nobody_wrote or (self._server and basics.server != self._server):
            self._lost = self.roster
        self._server = basics.server
        self._lost = {node_id: entry for node_id, entry in self._lost.items() if node_id not in basics.roster}
        await self._let_go(redis, basics.at)
        self.roster, self.unread = {**self._lost, **basics.roster}, basics.unread_nodes

    def add(self, states: Mapping[str, RosterEntry]) -> None:
        """What nodes say of themselves, where Redis is away."""
        self.roster = {**self.roster, **states}

    async def _let_go(self, redis: Redis, at: float) -> None:
        """Miss no more whom an operator has had forgotten."""
        if not self._lost:
            self._forgotten_until = f"{int(1000 * at)}"
            return
        with suppress(RedisRefusesError):
            done = await read_stream(redis, keys.AUDIT, AuditRecord, f"({self._forgotten_until}")
            self._forgotten_until = done.last_id or self._forgotten_until
            forgotten = {record.node for record in done.records if record.action == "forget"}
            self._lost = {node_id: entry for node_id, entry in self._lost.items() if node_id not in forgotten}
