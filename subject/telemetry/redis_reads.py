"""What the subject reads from Redis: one function for each step of a look."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.contract import keys
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import RosterEntry, TelemetryRecord
from subject.cluster.live_changes import LiveChanges
from subject.cluster.policies import Policies
from subject.cluster.windows import ClientWindow, client_window
from subject.telemetry.live_reads import read_overrides
from subject.telemetry.redis_client import refused
from subject.telemetry.streams import Stretch, decoded, read_stream

PUT_BACK_SECONDS = 86_400.0
"""What a node said last may be of so much later than now: Redis' clock was put back, and it has said nothing
since."""


@dataclass(frozen=True, slots=True)
class Basics:
    """Redis' time, its memory, the roster and the live overrides."""

    at: float
    server: str  # another after each of its starts
    round_trip_seconds: float
    used_bytes: int
    maximum_bytes: int
    roster: Mapping[str, RosterEntry]
    unread_nodes: tuple[str, ...]  # the ids whose entries cannot be read
    changes: LiveChanges
    unreadable: tuple[str, ...]

    @property
    def nobody_wrote(self) -> bool:
        """Whether no node has ever written here, not even what this subject cannot read."""
        return not self.roster and not self.unread_nodes


async def redis_time(client: Redis) -> float:
    """Seconds since 1970 by Redis' clock."""
    seconds, microseconds = await client.time()
    return float(seconds) + microseconds / 1e6


async def read_basics(client: Redis) -> Basics:
    """The first step; on a connection that exists, so that the round trip is one."""
    await client.ping()
    started = time.monotonic()
    at = await redis_time(client)
    round_trip_seconds = time.monotonic() - started
    async with client.pipeline(transaction=False) as pipe:
        pipe.hgetall(keys.NODES)
        pipe.hlen(keys.OVERRIDES)
        pipe.info("memory")
        pipe.info("server")
        replies = await pipe.execute(raise_on_error=False)
    roster_texts = _of_kind(client, keys.NODES, "hash", replies[0])
    changes = await read_overrides(client, replies[1])
    memory = _of_kind(client, "INFO", "answer", replies[2])
    server = _of_kind(client, "INFO", "answer", replies[3])
    roster, unread_nodes = {}, []
    for node_id, text in roster_texts.items():
        entry = decoded(RosterEntry, text)
        # A time that no clock has would be shown, compared and counted up to.
        if entry is None or not 0 <= entry.last.at <= at + PUT_BACK_SECONDS:
            unread_nodes.append(node_id)
        else:
            roster[node_id] = entry
    unreadable = (
        *(f"node {node_id}" for node_id in unread_nodes),
        *(f"override {name}" for name in changes.overrides.malformed),
        *([changes.problem] if changes.problem else []),
    )
    return Basics(
        at=at,
        server=str(server.get("run_id", "")),
        round_trip_seconds=round_trip_seconds,
        used_bytes=int(memory.get("used_memory", 0)),
        maximum_bytes=int(memory.get("maxmemory", 0)) or int(memory.get("total_system_memory", 0)),
        roster=roster,
        unread_nodes=tuple(unread_nodes),
        changes=changes,
        unreadable=unreadable,
    )


async def read_records(client: Redis, after: str) -> Stretch[TelemetryRecord]:
    """The telemetry behind the entry of this id. Errors as `read_pages`'."""
    return await read_stream(client, keys.TELEMETRY, TelemetryRecord, f"({after}")


async def read_policies(
    client: Redis, basics: Basics, known: Mapping[str, PolicyTable] | None = None
) -> Policies:
    """What nodes have published of their policies, with the live overrides.

    A table is the same for ever under its digest, so those that are `known` are not read again: of many
    registered clients one is long.
    """
    digests = {entry.policy_digest for entry in basics.roster.values()}
    at_hand = {digest: table for digest, table in (known or {}).items() if digest in digests}
    wanted = sorted(digests - at_hand.keys())
    texts = await client.mget([keys.policy_table(digest) for digest in wanted]) if wanted else []
    tables = {digest: decoded(PolicyTable, text or "") for digest, text in zip(wanted, texts, strict=True)}
    readable = at_hand | {digest: table for digest, table in tables.items() if table is not None}
    return Policies.published(basics.changes, basics.at, basics.roster, readable)


async def read_windows(
    client: Redis, at: float, clients: Iterable[str], policies: Policies, *, with_routes: bool
) -> tuple[tuple[ClientWindow, ...], list[str]]:
    """What stands in the windows of the clients whose limit is known, and the keys that are no window."""
    generations = policies.overrides.generations
    found = [
        (name, of, of.key(name, generations.get(name, 0)))
        for name in clients
        for of in policies.windows_of(name, with_routes=with_routes)
    ]
    async with client.pipeline(transaction=False) as pipe:
        for _, _, key in found:
            pipe.hgetall(key)
        hashes = await pipe.execute(raise_on_error=False) if found else []
    read: list[ClientWindow] = []
    foreign: list[str] = []
    for (name, of, key), fields in zip(found, hashes, strict=True):
        if isinstance(fields, ResponseError):
            foreign.append(f"key {key}")
            continue
        read.append(client_window(name, of, fields, at))
    return tuple(read), foreign


def _of_kind(client: Redis, key: str, kind: str, reply: Any) -> Any:
    """A reply as it came. Without what all look into there is no look.

    Raises:
        RedisRefusesError: it is an error; the reason names the key where that holds something else.
    """
    if isinstance(reply, ResponseError):
        raise refused(client, key, kind, reply)
    return reply
