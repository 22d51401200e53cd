"""What an operator changes: limits and resets, as `gateway.contract.overrides` has them, all audited."""

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.contract import audit, client_id, codec, keys, overrides
from gateway.contract.limits import Limit
from subject.errors import UsageError
from subject.redis_reads import redis_errors_mapped, redis_time


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why."""

    by: str
    why: str | None = None


async def set_limit(redis: Redis, client: str, limit: Limit, actor: Actor) -> str | None:
    """Give a client a limit that goes before all others. Returns the override that was there before.

    Raises:
        UsageError: `client` is no client id.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    field = overrides.LIMIT_FIELD + checked(client)
    with redis_errors_mapped(redis):
        at = await redis_time(redis)
        before = _limit_text(await redis.hget(keys.OVERRIDES, field))
        override = overrides.Override(limit, actor.by, at, actor.why)
        await redis.hset(keys.OVERRIDES, field, codec.encode(override))
        await _audit(redis, at, actor, "set", client, before, str(limit))
    return before


async def unset_limit(redis: Redis, client: str, actor: Actor) -> str | None:
    """Take a client's override away. Returns it; None where there was none, and nothing was changed.

    Raises:
        UsageError: `client` is no client id.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    field = overrides.LIMIT_FIELD + checked(client)
    with redis_errors_mapped(redis):
        at = await redis_time(redis)
        text = await redis.hget(keys.OVERRIDES, field)
        if text is None or not await redis.hdel(keys.OVERRIDES, field):
            return None
        before = _limit_text(text)
        await _audit(redis, at, actor, "unset", client, before, None)
    return before


async def reset(redis: Redis, client: str, actor: Actor) -> int:
    """Start a client's counters anew, under the next generation of its keys. Returns that generation.

    Raises:
        UsageError: `client` is no client id.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    field = overrides.GENERATION_FIELD + checked(client)
    with redis_errors_mapped(redis):
        at = await redis_time(redis)
        generation: int = await redis.hincrby(keys.OVERRIDES, field, 1)
        await _audit(redis, at, actor, "reset", client, str(generation - 1), str(generation))
    return generation


def checked(client: str) -> str:
    """The client id, if it is one.

    Raises:
        UsageError: it is not. The text is not repeated, since it may be a key.
    """
    if not client_id.is_client_id(client):
        raise UsageError(
            "that is no client id: write a registered client's name, or k_ and 16 hex digits "
            "(subject whois tells the id of an API key)"
        )
    return client


def _limit_text(text: str | bytes | None) -> str | None:
    if text is None:
        return None
    try:
        return str(codec.decode(overrides.Override, text).limit)
    except codec.RecordError:
        return "unreadable"


async def _audit(
    redis: Redis, at: float, actor: Actor, action: str, client: str, before: str | None, after: str | None
) -> None:
    record = audit.AuditRecord(at, actor.by, action, client, before, after, actor.why)
    await redis.xadd(
        keys.AUDIT, {audit.STREAM_FIELD: codec.encode(record)}, maxlen=audit.STREAM_LENGTH, approximate=True
    )
