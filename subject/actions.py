"""What an operator changes: limits and resets, as `gateway.contract.overrides` has them, all audited.

Nothing is written for a name that no node knows: `subject.known_clients` says why.

First the change, then the version, then the audit and the announcement: see docs/redis-schema.md.
"""

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from gateway.contract import audit, codec, keys, overrides
from gateway.contract.audit import AuditRecord
from gateway.contract.limits import UNIT_SECONDS, Limits, parse_limit, parse_limits
from gateway.contract.overrides import MAX_BY, MAX_RECORDS, MAX_WHY, Announcement
from gateway.contract.policy_table import Policy
from subject.errors import SHOWN, NoNodesError, RedisRefusesError, UsageError
from subject.known_clients import check_known, checked, unknown
from subject.policies import Policies
from subject.redis_client import place, redis_errors_mapped
from subject.redis_reads import read_basics, read_policies

UNREADABLE = "unreadable"
"""What the audit shows of a field that is malformed."""
DEFAULT_PERIOD_SECONDS = UNIT_SECONDS["m"]
"""The period of a bare number where no node has published a policy: that of the default limit."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why.

    Raises:
        UsageError: a text is too long, or not Unicode (an argument of the command line need not be).
    """

    by: str
    why: str | None = None

    def __post_init__(self) -> None:
        for text, most in ((self.by, MAX_BY), (self.why or "", MAX_WHY)):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise UsageError(f"{text!a} is not Unicode, and could not be written to the audit") from None
            if len(text) > most:
                raise UsageError(
                    f"{text[:SHOWN]!r}… has {len(text):,} characters: {most} at most go to the audit"
                )


@dataclass(frozen=True, slots=True)
class LimitSet:
    """What was done: `before` applied until now, and `usual` will again; None where it is not known."""

    at: float  # by Redis' clock, as `until` is
    limit: Limits
    until: float | None
    before: Policy | None
    usual: Policy | None


@dataclass(frozen=True, slots=True)
class LimitUnset:
    """What was taken out: a limit, None where it could not be read. One that has ended did nothing."""

    limit: Limits | None
    ended: bool = False

    def __str__(self) -> str:
        text = UNREADABLE if self.limit is None else str(self.limit)
        return f"{text} (ended)" if self.ended else text


async def set_limit(
    redis: Redis, client: str, limit: Limits | int, actor: Actor, seconds: int | None = None
) -> LimitSet:
    """Give a client a limit that goes before all others, for good or for some seconds.

    A number is one for the shortest period that the client has now, and its other windows stay.

    Raises:
        ValueError: `client` is no client id that a node knows, the number is out of range, or there are too
            many live changes.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error; the reason says where the change was made all the same.
    """
    checked(client)
    field = overrides.LIMIT_FIELD + client
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        if not policies.is_client(client):
            raise unknown(client, policies)
        before = policies.applied_to(client)
        if isinstance(limit, int):
            limit = _in_the_shortest_window(limit, before)
        replaced = _removable(client, policies)
        if replaced is None:
            _check_room(policies)
        standing = None if replaced is None else str(replaced)
        until = None if seconds is None else at + seconds
        text = codec.encode(overrides.Override(limit, actor.by, at, actor.why, until))
        async with redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.OVERRIDES, field, text)
            _, version = await _change(pipe)
        record = AuditRecord(at, actor.by, "set", client, standing, str(limit), actor.why, until)
        await _tell(redis, record, version)
    return LimitSet(at, limit, until, before, policies.usual_of(client))


def _in_the_shortest_window(quota: int, applied: Policy | None) -> Limits:
    if applied is None:
        return parse_limits(f"{quota}/{DEFAULT_PERIOD_SECONDS}s")
    shortest, *longer = applied.limits.windows
    return Limits((parse_limit(f"{quota}/{shortest.period_seconds}s"), *longer))


async def unset_limit(redis: Redis, client: str, actor: Actor) -> LimitUnset | None:
    """Take a client's override out. Returns it; None where there was none, and nothing was changed.

    Raises:
        UsageError: `client` is no client id that a node knows, and there is no change for it either.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error; the reason says where the change was made all the same.
    """
    checked(client)
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        check_known(client, policies)
        taken = _removable(client, policies)
        if taken is None:
            return None
        async with redis.pipeline(transaction=False) as pipe:
            pipe.hdel(keys.OVERRIDES, overrides.LIMIT_FIELD + client)
            removed, version = await _change(pipe)
        if not removed:
            return None
        await _tell(redis, AuditRecord(at, actor.by, "unset", client, str(taken), None, actor.why), version)
    return taken


async def reset(redis: Redis, client: str, actor: Actor) -> int:
    """Start a client's counters anew, under the next generation of its keys. Returns that generation.

    Where the one that stands in Redis is no number, it becomes the time: higher than any that was counted up.

    Raises:
        UsageError: as for `unset_limit`; or there are too many live changes.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error; the reason says where the change was made all the same.
    """
    checked(client)
    field = overrides.GENERATION_FIELD + client
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        check_known(client, policies)
        malformed = field in policies.overrides.malformed
        if not malformed and client not in policies.overrides.generations:
            _check_room(policies)
        async with redis.pipeline(transaction=False) as pipe:
            if malformed:
                pipe.hset(keys.OVERRIDES, field, str(int(at)))
            else:
                pipe.hincrby(keys.OVERRIDES, field, 1)
            reply, version = await _change(pipe)
        generation, before = (int(at), UNREADABLE) if malformed else (reply, str(reply - 1))
        record = AuditRecord(at, actor.by, "reset", client, before, str(generation), actor.why)
        await _tell(redis, record, version)
    return generation


def _check_room(policies: Policies) -> None:
    """Whether one more record may be written.

    Raises:
        UsageError: there are as many as there may be; it says which can go.
    """
    if policies.live_changes < MAX_RECORDS:
        return
    ended = f"{len(policies.ended):,} of them have ended, "
    example = min(policies.ended or policies.overrides.limits, default="CLIENT")
    raise UsageError(
        f"{policies.live_changes:,} live changes stand in Redis, and {MAX_RECORDS:,} are the most that are "
        f"written: {ended if policies.ended else ''}subject limits unset {example} takes one out, and "
        "docs/operations.md says what else may go"
    )


async def _read(redis: Redis) -> tuple[float, Policies]:
    """Redis' time, and all policies.

    Raises:
        NoNodesError: no node has ever written here.
        RedisRefusesError: nodes would not take a change over.
    """
    basics = await read_basics(redis)
    if basics.nobody_wrote:
        raise NoNodesError(place(redis))
    policies = await read_policies(redis, basics)
    if policies.problem:
        raise RedisRefusesError(place(redis), policies.problem)
    return basics.at, policies


def _removable(client: str, policies: Policies) -> LimitUnset | None:
    """What stands in a client's field."""
    live = policies.overrides
    if client in policies.ended:
        return LimitUnset(policies.ended[client].limit, ended=True)
    if client in live.limits:
        return LimitUnset(live.limits[client].limit)
    return LimitUnset(None) if overrides.LIMIT_FIELD + client in live.malformed else None


async def _change(pipe: Pipeline) -> tuple[int, int | None]:
    """Execute the command in it and raise the version: the command's reply, and the version.

    A version that cannot be raised is no obstacle: nodes see the change when they next read the whole hash.
    """
    pipe.hincrby(keys.OVERRIDES, overrides.VERSION_FIELD, 1)
    reply, version = await pipe.execute(raise_on_error=False)
    if isinstance(reply, ResponseError):
        raise reply
    return reply, None if isinstance(version, ResponseError) else version


async def _tell(redis: Redis, record: AuditRecord, version: int | None) -> None:
    """Write what was done to the audit, and announce it to the nodes.

    Raises:
        RedisRefusesError: it is not in the audit. Where nodes only do not hear of it, they poll.
    """
    text = codec.encode(record)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.xadd(keys.AUDIT, {audit.STREAM_FIELD: text}, maxlen=audit.STREAM_LENGTH, approximate=True)
        if version is not None:
            pipe.publish(keys.CHANGES, str(Announcement(version, record.client)))
        replies = await pipe.execute(raise_on_error=False)
    if isinstance(replies[0], ResponseError):
        reason = f"what was done is in force, but not in the audit ({replies[0]})"
        raise RedisRefusesError(place(redis), reason)
