"""What all actions on live changes go through: look first, change, raise the version, audit, announce."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from gateway.contract import keys, overrides
from gateway.contract.limits import Limits
from gateway.contract.overrides import MAX_BY, MAX_RECORDS, MAX_WHY, Announcement, Override
from gateway.contract.records import AUDIT_STREAM_LENGTH, STREAM_FIELD, AuditRecord, encode
from subject.cluster.live_changes import ENDED, UNREADABLE
from subject.cluster.policies import Policies
from subject.errors import SHOWN, HalfDoneError, NoNodesError, RedisRefusesError, UsageError
from subject.telemetry.redis_client import place, reading, words
from subject.telemetry.redis_reads import read_basics, read_policies

Result = TypeVar("Result")
NOTHING = Policies()
MAYBE_MADE = "at the change itself; whether it was made is not known: subject limits tells what stands"
MAYBE_AUDITED = "what was done is in force, and whether it is in the audit is not known"


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

    def did(
        self,
        action: Literal["set", "unset", "reset", "forget"],
        client: str,
        at: float,
        *,
        before: str | None,
        after: str | None,
        until: float | None = None,
        node: str | None = None,
    ) -> AuditRecord:
        """What the audit says of one action."""
        return AuditRecord(
            at=at,
            by=self.by,
            action=action,
            client=client,
            before=before,
            after=after,
            why=self.why,
            until=until,
            node=node,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a client's field: a limit, None where it cannot be read. An ended one does nothing."""

    limit: Limits | None
    ended: bool = False
    in_force: Override | None = None

    def __str__(self) -> str:
        text = UNREADABLE if self.limit is None else str(self.limit)
        return f"{text}{ENDED}" if self.ended else text


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
        "docs/how-to/limits.md says what else may go"
    )


async def look(redis: Redis, before: Policies = NOTHING) -> tuple[float, Policies]:
    """Redis' time, and all policies; `before`: as they were found a moment ago.

    Raises:
        NoNodesError: no node has ever written here.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error, or nodes would not take a change over.
    """
    async with reading(redis):
        basics = await read_basics(redis)
        if basics.nobody_wrote:
            raise NoNodesError(place(redis))
        policies = await read_policies(redis, basics, before.tables)
    if policies.problem:
        raise RedisRefusesError(place(redis), policies.problem)
    return basics.at, policies


async def make(
    redis: Redis, pipe: Pipeline, record_of: Callable[[int], AuditRecord | None]
) -> tuple[int, int | None]:
    """Execute the command in `pipe`, raise the version, and tell of it: the command's reply, and the version.

    `record_of` makes the audit's record of the reply; None: nothing was changed. Who is interrupted meanwhile
    is so when all is done: what is changed is audited. A version that cannot be raised is no obstacle: nodes
    see the change when they next read the whole hash.

    Raises:
        HalfDoneError: Redis has not answered; it may have changed it all the same.
        RedisRefusesError: it is not in the audit. Where nodes only do not hear of it, they poll.
    """
    return await unbroken(_make(redis, pipe, record_of))


async def unbroken(doing: Coroutine[Any, Any, Result]) -> Result:
    """What it returns; a cancellation that comes meanwhile waits for its end."""
    task = asyncio.ensure_future(doing)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # lest it be missed
        raise cancelled
    return task.result()


async def _make(
    redis: Redis, pipe: Pipeline, record_of: Callable[[int], AuditRecord | None]
) -> tuple[int, int | None]:
    pipe.hincrby(keys.OVERRIDES, overrides.VERSION_FIELD, 1)
    with half_done(redis, MAYBE_MADE):
        reply, version = await pipe.execute(raise_on_error=False)
    if isinstance(reply, ResponseError):
        raise reply
    raised = None if isinstance(version, ResponseError) else version
    record = record_of(reply)
    if record is not None:
        await tell(redis, record, raised)
    return reply, raised


async def tell(redis: Redis, record: AuditRecord, version: int | None) -> None:
    """Write what was done to the audit, and announce it to the nodes where it has a version.

    Raises:
        HalfDoneError: Redis has not answered, and it may not be in the audit.
        RedisRefusesError: it is not in the audit. Where nodes only do not hear of it, they poll.
    """
    text = encode(record)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.xadd(keys.AUDIT, {STREAM_FIELD: text}, maxlen=AUDIT_STREAM_LENGTH, approximate=True)
        if version is not None:
            pipe.publish(keys.CHANGES, str(Announcement(version, record.client)))
        with half_done(redis, MAYBE_AUDITED):
            replies = await pipe.execute(raise_on_error=False)
    if isinstance(replies[0], ResponseError):
        reason = f"what was done is in force, but not in the audit ({replies[0]})"
        raise RedisRefusesError(place(redis), reason)


@contextmanager
def half_done(redis: Redis, known: str) -> Iterator[None]:
    """For a change itself, or what comes behind it. What Redis answers with passes through: it did nothing.

    Raises:
        HalfDoneError: Redis has not answered; `known` is what to say of that.
    """
    try:
        yield
    except ResponseError:
        raise
    except (RedisError, OSError) as error:
        raise HalfDoneError(place(redis), f"{known} ({words(error)})") from None
