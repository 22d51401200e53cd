"""What an action has done, in sentences without their full stops."""

from collections.abc import Sequence

from redis.asyncio import Redis

from gateway.contract.overrides import Override
from subject.actions.changes import Standing
from subject.actions.edits import LimitSet
from subject.actions.effects import Effect, in_force, told
from subject.figures import moment
from subject.settings import Settings

TAKEN_OVER = "nodes take it over within a second"


def limit_set(client: str, done: LimitSet, has: str = "now has", had: str = "was") -> str:
    """Which limit a client has, for how long, and what it had."""
    text = f"{client} {has} {done.limit}"
    if done.until is not None:
        text += f" until {moment(done.until, done.at)}"
        text += "" if done.usual is None else f", then {done.usual.limits} ({done.usual.name})"
    if done.before is None:
        return text
    return f"{text} ({had} {done.before.limits}, {done.before.name}{_by(done.replaced, done.at)})"


def limit_unset(client: str, taken: Standing | None) -> str:
    """What was taken out, and what holds now."""
    if taken is None:
        return f"{client} has no limit that was set live: nothing was changed"
    if taken.ended:
        return f"{client}'s limit of {taken.limit} had ended: its record was taken out"
    if taken.limit is None:
        return f"{client}'s live limit, which cannot be read, was taken out"
    return f"{client} no longer has {taken.limit}, its usual limit applies again"


def count_reset(client: str, generation: int) -> str:
    """That its count begins anew."""
    return f"{client}'s count begins anew (generation {generation})"


def where(found: Sequence[Effect] | None) -> str:
    """On which nodes it is in force; None: nobody waited to know."""
    return TAKEN_OVER if found is None else told(found)


async def where_by_now(redis: Redis, version: int | None, at: float, settings: Settings) -> str:
    """The same of a change that was just made, as soon as all nodes have it, or after the settings' wait."""
    found = await in_force(redis, version, at, settings.wait_seconds, settings.node_down_seconds)
    return where(found)


def _by(replaced: Override | None, now: float) -> str:
    return "" if replaced is None else f" by {replaced.by} since {moment(replaced.at, now)}"
