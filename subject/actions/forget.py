"""Takes a node that will not come back out of the roster."""

import re

from redis.asyncio import Redis

from gateway.contract import keys
from subject.actions import changes
from subject.actions.changes import Actor
from subject.cluster.snapshot import Snapshot, take
from subject.errors import UsageError
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import redis_errors_mapped

_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MAYBE_FORGOTTEN = "at the change itself; whether it was made is not known: subject nodes tells who is there"
LOST = "lost by Redis"
"""The state of a node that only a subject which goes on since before still misses."""


async def forget_node(
    reader: Reader, node_id: str, actor: Actor, node_down_seconds: float, *, lost: bool = False
) -> str:
    """Have nobody miss a node any more. Returns the state that it was in.

    One that comes back is there again within a second, with its totals from zero. `lost`: it may be one that
    Redis does not know any more.

    Raises:
        UsageError: there is no such node, or it is up.
        HalfDoneError: Redis went away at the change; it may have been made, and may not be in the audit.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    snapshot = take(await reader.look(), node_down_seconds)
    health = snapshot.redis
    if not health.connected:
        raise health.error
    state = _state(snapshot, node_id, lost=lost)
    with redis_errors_mapped(reader.redis):
        await changes.unbroken(_forget(reader.redis, node_id, state, snapshot.at, actor))
    return state


async def _forget(redis: Redis, node_id: str, state: str, at: float, actor: Actor) -> None:
    with changes.half_done(redis, MAYBE_FORGOTTEN):
        found = await redis.hdel(keys.NODES, node_id)
    if not found and state != LOST:
        raise UsageError("that node was forgotten meanwhile, or has a name that cannot be written")
    record = actor.did("forget", "", at, before=state, after=None, node=node_id)
    await changes.tell(redis, record, None)


def _state(snapshot: Snapshot, node_id: str, *, lost: bool) -> str:
    if node_id in snapshot.unread_nodes:
        return "Down"
    known = [node.id for node in snapshot.nodes]
    if node_id not in known:
        if lost and _NODE_ID.fullmatch(node_id):
            return LOST
        names = ", ".join([*known, *snapshot.unread_nodes]) or "none"
        raise UsageError(
            f"there is no node of that name (known: {names}); --lost is for one that Redis has lost and a "
            "running subject still misses"
        )
    state = snapshot.node(node_id).state
    if state == "Up":
        raise UsageError(
            f"{node_id} is up, and would be back within a second: stop it first, and forget it then"
        )
    return state
