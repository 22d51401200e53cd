"""When a change took effect, node by node: each publishes up to which version it has taken changes over."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RecordError, RosterEntry, decode
from subject.errors import RedisAwayError, RedisRefusesError
from subject.telemetry.redis_client import redis_errors_mapped

PAUSE_SECONDS = 0.2
TOLD_ONE_BY_ONE = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """Whether a node that is up has taken a change over: `seconds` after it was made, None: not yet."""

    node: str
    seconds: float | None


async def in_force(
    redis: Redis, version: int | None, at: float, wait_seconds: float, node_down_seconds: float
) -> tuple[Effect, ...] | None:
    """`effects` of a change that is made; None where nobody is to wait, or Redis does not tell any more.

    That Redis has gone since is no failure of the change.
    """
    if version is None or not wait_seconds:
        return None
    try:
        with redis_errors_mapped(redis):
            return await effects(redis, version, at, wait_seconds, node_down_seconds)
    except (RedisAwayError, RedisRefusesError):
        return None


async def effects(
    redis: Redis, version: int, at: float, wait_seconds: float, node_down_seconds: float
) -> tuple[Effect, ...]:
    """Wait until all nodes that are up have taken over the change of this version, made at `at`.

    At most `wait_seconds`; nodes that leave or fall silent meanwhile are not waited for. Errors of redis-py
    pass through.
    """
    began = time.monotonic()
    while True:
        entries: Any = await redis.hgetall(keys.NODES)
        waited = time.monotonic() - began
        found = _of(entries.values(), version, at, at + waited - node_down_seconds)
        if all(effect.seconds is not None for effect in found) or waited >= wait_seconds:
            return found
        await asyncio.sleep(min(PAUSE_SECONDS, max(0.0, wait_seconds - waited)))


def _of(texts: Iterable[str], version: int, at: float, fresh_from: float) -> tuple[Effect, ...]:
    found = []
    for text in texts:
        try:
            last = decode(RosterEntry, text).last
        except RecordError:
            continue
        if last.leaving or last.at < fresh_from:
            continue
        taken = last.overrides.taken_at if last.overrides.version >= version else None
        found.append(Effect(last.node_id, None if taken is None else round(max(0.0, taken - at), 3)))
    return tuple(sorted(found, key=lambda effect: effect.node))


def told(found: Sequence[Effect]) -> str:
    """In a sentence without its full stop."""
    if not found:
        return "no node is up: it holds from a node's start on"
    silent = [effect.node for effect in found if effect.seconds is None]
    done = [(effect.seconds, effect.node) for effect in found if effect.seconds is not None]
    if len(done) <= TOLD_ONE_BY_ONE:
        of_each = ", ".join(f"{node} after {_short(seconds)}" for seconds, node in sorted(done))
        text = f"in force on {of_each}" if done else ""
    else:
        text = f"in force on {len(done)} nodes, the last one {max(done)[1]} after {_short(max(done)[0])}"
    if not silent:
        return text
    not_yet = f"not yet on {', '.join(silent)}, as far as they say: subject nodes"
    return f"{text}; {not_yet}" if text else not_yet


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
