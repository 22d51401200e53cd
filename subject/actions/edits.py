"""What an operator changes: limits and resets, as `gateway.contract.overrides` has them, all audited.

Nothing is written for a name that no node knows: `subject.actions.known_clients` says why.

First the change, then the version, then the audit and the announcement: see docs/redis-schema.md. A limit is
changed by one at a time (`subject.actions.leases`), and where a revision is given, only if that is what
stands.
"""

from dataclasses import dataclass, replace

from redis.asyncio import Redis

from gateway.contract import keys, overrides
from gateway.contract.limits import MAX_PERIOD_SECONDS, UNIT_SECONDS, Limits, parse_limit, parse_limits
from gateway.contract.overrides import Override
from gateway.contract.policy_table import Policy
from gateway.contract.records import AuditRecord, encode
from subject.actions import changes
from subject.actions.changes import Actor, Standing
from subject.actions.known_clients import check_known, checked, unknown
from subject.actions.leases import editing
from subject.actions.revisions import check_revision, revision
from subject.cluster.live_changes import UNREADABLE
from subject.cluster.policies import Policies
from subject.errors import UsageError
from subject.figures import moment
from subject.telemetry.redis_client import redis_errors_mapped

__all__ = [
    "Actor",
    "LimitChange",
    "LimitSet",
    "LimitUnset",
    "propose_limit",
    "reset",
    "set_limit",
    "unset_limit",
]

DEFAULT_PERIOD_SECONDS = UNIT_SECONDS["m"]
"""The period of a bare number where no node has published a policy: that of the default limit."""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """The limit that `actor` wants a client to have: for good, for some `seconds`, or `until` a time.

    A number is one for the shortest period that the client has now, and its other windows stay.
    `if_revision`: only if that is what stands now.
    """

    client: str
    limit: Limits | int
    actor: Actor
    seconds: int | None = None
    until: float | None = None
    if_revision: str | None = None

    def ends_at(self, at: float) -> float | None:
        """By Redis' clock, if it is made at `at`.

        Raises:
            UsageError: it would be over, or is too far away.
        """
        if self.seconds is not None:
            return at + self.seconds
        if self.until is not None and not at < self.until <= at + MAX_PERIOD_SECONDS:
            raise UsageError(
                f"{moment(self.until, at)} is no end for a limit: write a time after now, which is "
                f"{moment(at, self.until)}, and within 366 days"
            )
        return self.until


@dataclass(frozen=True, slots=True)
class LimitSet:
    """What was done, or would be: `before` applied until now, and `usual` will again; None: it is not known.

    `replaced` is the live limit that was in force, `revision` that of what stands now. `version` is that of
    the change; None: it was not made, or could not be raised.
    """

    at: float  # by Redis' clock, as `until` is
    limit: Limits
    until: float | None
    before: Policy | None
    usual: Policy | None
    replaced: Override | None
    revision: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class LimitUnset:
    """What was taken out, and the version of that change."""

    at: float
    taken: Standing
    version: int | None


@dataclass(frozen=True, slots=True)
class CountReset:
    """A count that began anew, under this generation, by the change of this version."""

    at: float
    generation: int
    version: int | None


async def propose_limit(redis: Redis, asked: LimitChange) -> LimitSet:
    """What `set_limit` would do; nothing is written. Raises what that does."""
    return (await _propose(redis, asked))[1]


async def _propose(redis: Redis, asked: LimitChange) -> tuple[Policies, LimitSet]:
    """Also the policies of now."""
    checked(asked.client)
    with redis_errors_mapped(redis):
        at, policies = await changes.look(redis)
        if not policies.is_client(asked.client):
            raise unknown(asked.client, policies)
        check_revision(asked.client, policies, asked.if_revision, at)
        return policies, _proposal(at, policies, asked)[1]


async def set_limit(redis: Redis, asked: LimitChange) -> LimitSet:
    """Give a client a limit that goes before all others.

    Raises:
        ValueError: no node knows a client of this id, the number is out of range, the end is over, or there
            are too many live changes.
        ConflictError: its live limit is not that of `if_revision`, or somebody else is changing it.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error; the reason says where the change was made all the same.
    """
    # No name is written anywhere before it is known to be one.
    found, _ = await _propose(redis, asked)
    client = asked.client
    with redis_errors_mapped(redis):
        async with editing(redis, client) as lease:
            at, policies = await changes.look(redis, found)
            check_revision(client, policies, asked.if_revision, at)
            override, done = _proposal(at, policies, asked)
            standing = changes.standing(client, policies)
            lease.check()
            before = None if standing is None else str(standing)
            record = asked.actor.did(
                "set", client, at, before=before, after=str(done.limit), until=done.until
            )
            async with redis.pipeline(transaction=False) as pipe:
                pipe.hset(keys.OVERRIDES, overrides.LIMIT_FIELD + client, encode(override))
                _, version = await changes.make(redis, pipe, lambda _: record)
    return replace(done, version=version)


def _proposal(at: float, policies: Policies, asked: LimitChange) -> tuple[Override, LimitSet]:
    client, limits, until = asked.client, asked.limit, asked.ends_at(at)
    before = policies.applied_to(client)
    if isinstance(limits, int):
        limits = _in_the_shortest_window(limits, before)
    if changes.standing(client, policies) is None:
        changes.check_room(policies)
    override = Override(limits, asked.actor.by, at, asked.actor.why, until)
    return override, LimitSet(
        at=at,
        limit=limits,
        until=until,
        before=before,
        usual=policies.usual_of(client),
        replaced=policies.overrides.limits.get(client),
        revision=revision(override),
    )


def _in_the_shortest_window(quota: int, applied: Policy | None) -> Limits:
    if applied is None:
        return parse_limits(f"{quota}/{DEFAULT_PERIOD_SECONDS}s")
    shortest, *longer = applied.limits.windows
    return Limits((parse_limit(f"{quota}/{shortest.period_seconds}s"), *longer))


async def unset_limit(
    redis: Redis, client: str, actor: Actor, *, if_revision: str | None = None
) -> LimitUnset | None:
    """Take a client's live limit out; None where there was none, and nothing was changed.

    Raises:
        UsageError: `client` is no client id that a node knows, and there is no change for it either.
        ConflictError, NoNodesError, RedisAwayError, RedisRefusesError: as for `set_limit`.
    """
    checked(client)
    with redis_errors_mapped(redis):
        _, before = await changes.look(redis)
        check_known(client, before)
        async with editing(redis, client) as lease:
            at, policies = await changes.look(redis, before)
            check_revision(client, policies, if_revision, at)
            taken = changes.standing(client, policies)
            if taken is None:
                return None
            lease.check()
            record = actor.did("unset", client, at, before=str(taken), after=None)
            async with redis.pipeline(transaction=False) as pipe:
                pipe.hdel(keys.OVERRIDES, overrides.LIMIT_FIELD + client)
                removed, version = await changes.make(
                    redis, pipe, lambda removed: record if removed else None
                )
            if not removed:
                return None
    return LimitUnset(at, taken, version)


async def reset(redis: Redis, client: str, actor: Actor) -> CountReset:
    """Start a client's counters anew, under the next generation of its keys.

    Where the one that stands in Redis is no number, it becomes the time: higher than any that was counted up.

    Raises:
        UsageError: as for `unset_limit`; or there are too many live changes.
        NoNodesError, RedisAwayError, RedisRefusesError: as for `set_limit`.
    """
    checked(client)
    field = overrides.GENERATION_FIELD + client
    with redis_errors_mapped(redis):
        at, policies = await changes.look(redis)
        check_known(client, policies)
        malformed = field in policies.overrides.malformed
        if not malformed and client not in policies.overrides.generations:
            changes.check_room(policies)

        def generation_of(reply: int) -> tuple[int, str]:
            return (int(at), UNREADABLE) if malformed else (reply, str(reply - 1))

        def record_of(reply: int) -> AuditRecord:
            generation, before = generation_of(reply)
            return actor.did("reset", client, at, before=before, after=str(generation))

        async with redis.pipeline(transaction=False) as pipe:
            if malformed:
                pipe.hset(keys.OVERRIDES, field, str(int(at)))
            else:
                pipe.hincrby(keys.OVERRIDES, field, 1)
            reply, version = await changes.make(redis, pipe, record_of)
    return CountReset(at, generation_of(reply)[0], version)
