"""What all actions on live changes go through: look first, change, raise the version, audit, announce."""

from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.contract import audit, codec, keys, overrides
from gateway.contract.audit import AuditRecord
from gateway.contract.limits import Limits
from gateway.contract.overrides import MAX_BY, MAX_RECORDS, MAX_WHY, Announcement, Override
from subject.errors import SHOWN, NoNodesError, RedisAwayError, RedisRefusesError, UsageError
from subject.policies import Policies
from subject.redis_client import place, words
from subject.redis_reads import read_basics, read_policies

UNREADABLE = "unreadable"
"""What the audit shows of a field that is malformed."""


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
class Standing:
    """What stands in a client's field: a limit, None where it cannot be read. An ended one does nothing."""

    limit: Limits | None
    ended: bool = False
    in_force: Override | None = None

    def __str__(self) -> str:
        text = UNREADABLE if self.limit is None else str(self.limit)
        return f"{text} (ended)" if self.ended else text


def standing(client: str, policies: Policies) -> Standing | None:
    """What stands in a client's field; None where it has none."""
    live = policies.overrides
    if client in policies.ended:
        return Standing(policies.ended[client].limit, ended=True)
    if client in live.limits:
        return Standing(live.limits[client].limit, in_force=live.limits[client])
    return Standing(None) if overrides.LIMIT_FIELD + client in live.malformed else None


def check_room(policies: Policies) -> None:
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


async def look(redis: Redis) -> tuple[float, Policies]:
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


async def execute(pipe: Pipeline) -> tuple[int, int | None]:
    """Execute the command in it and raise the version: the command's reply, and the version.

    A version that cannot be raised is no obstacle: nodes see the change when they next read the whole hash.

    Raises:
        RedisAwayError: Redis has not answered; it may have changed it all the same.
    """
    pipe.hincrby(keys.OVERRIDES, overrides.VERSION_FIELD, 1)
    try:
        reply, version = await pipe.execute(raise_on_error=False)
    except (TimeoutError, RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise RedisAwayError(
            place(pipe),
            f"{words(error)}, at the change itself; whether it was made is not known: "
            "subject limits tells what stands",
        ) from None
    if isinstance(reply, ResponseError):
        raise reply
    return reply, None if isinstance(version, ResponseError) else version


async def tell(redis: Redis, record: AuditRecord, version: int | None) -> None:
    """Write what was done to the audit, and announce it to the nodes where it has a version.

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
