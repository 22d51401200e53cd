"""What an operator changes: limits and resets, as `gateway.contract.overrides` has them, all audited.

A text of a name's form may be an API key, and what is written here is there for all to see. So nothing is
written for a name that no node knows, and the refusal does not repeat it.
"""

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.contract import audit, client_id, codec, keys, overrides
from gateway.contract.limits import UNIT_SECONDS, Limit, parse_limit
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import Policy
from subject.errors import SHOWN, NoNodesError, UsageError
from subject.policies import Policies
from subject.redis_client import place, redis_errors_mapped
from subject.redis_reads import read_basics, read_policies

DEFAULT_PERIOD_SECONDS = UNIT_SECONDS["m"]
"""The period of a bare number where no node has published a policy: that of the default limit."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why.

    Raises:
        UsageError: one of the texts is not Unicode (an argument of the command line need not be).
    """

    by: str
    why: str | None = None

    def __post_init__(self) -> None:
        for text in (self.by, self.why or ""):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise UsageError(f"{text!a} is not Unicode, and could not be written to the audit") from None


async def set_limit(redis: Redis, client: str, limit: Limit | int, actor: Actor) -> Policy | None:
    """Give a client a limit that goes before all others; a number is one per the period that it has now.

    Returns what applied before, as far as it is known.

    Raises:
        ValueError: `client` is no client id that a node knows, or the number is out of range.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    checked(client)
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        if not policies.is_client(client):
            raise _unknown(client, policies)
        applied = policies.applied_to(client)
        if isinstance(limit, int):
            period_seconds = DEFAULT_PERIOD_SECONDS if applied is None else applied.limit.period_seconds
            limit = parse_limit(f"{limit}/{period_seconds}s")
        override = overrides.Override(limit, actor.by, at, actor.why)
        await redis.hset(keys.OVERRIDES, overrides.LIMIT_FIELD + client, codec.encode(override))
        before = _override(policies.overrides, client)
        await _audit(redis, at, actor, "set", client, before, str(limit))
    return applied


async def unset_limit(redis: Redis, client: str, actor: Actor) -> str | None:
    """Take a client's override away. Returns it; None where there was none, and nothing was changed.

    Raises:
        UsageError: `client` is no client id that a node knows, and there is no change for it either.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    checked(client)
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        check_known(client, policies)
        before = _override(policies.overrides, client)
        if before is None or not await redis.hdel(keys.OVERRIDES, overrides.LIMIT_FIELD + client):
            return None
        await _audit(redis, at, actor, "unset", client, before, None)
    return before


async def reset(redis: Redis, client: str, actor: Actor) -> int:
    """Start a client's counters anew, under the next generation of its keys. Returns that generation.

    Raises:
        UsageError: as for `unset_limit`; or the generation that stands in Redis is none.
        NoNodesError: no node has ever written to this Redis.
        RedisAwayError: Redis does not answer.
        RedisRefusesError: it answers with an error.
    """
    checked(client)
    field = overrides.GENERATION_FIELD + client
    with redis_errors_mapped(redis):
        at, policies = await _read(redis)
        check_known(client, policies)
        if field in policies.overrides.malformed:
            raise UsageError(f"{field} in {keys.OVERRIDES} is no number: remove it (HDEL) and reset again")
        generation: int = await redis.hincrby(keys.OVERRIDES, field, 1)
        await _audit(redis, at, actor, "reset", client, str(generation - 1), str(generation))
    return generation


def checked(client: str) -> str:
    """The client id, if it has the form of one.

    Raises:
        UsageError: it has not. The text is not repeated, since it may be a key.
    """
    if not client_id.is_client_id(client):
        raise UsageError(
            "that is no client id: write a registered client's name, or k_ and 16 hex digits "
            "(subject whois tells the id of an API key)"
        )
    return client


def check_known(client: str, policies: Policies) -> str:
    """The client, if a node knows it or there is a live change for it.

    Raises:
        UsageError: neither. The name is not repeated in full, since it may be a key.
    """
    if not policies.is_client(client) and not policies.is_changed(client):
        raise _unknown(client, policies)
    return client


def _unknown(client: str, policies: Policies) -> UsageError:
    known = ", ".join(sorted(policies.registered)[:5]) or "none"
    if client.startswith(client_id.UNKNOWN_PREFIX):
        return UsageError(
            f"nodes accept registered keys only, so none of them uses {client} (registered: {known}); "
            "with GATEWAY_CLIENTS_FILE set, subject whois names the client of a key"
        )
    return UsageError(
        f"no node knows a client {client[:SHOWN]}… (registered: {known}); "
        "subject whois tells the id of an API key"
    )


async def _read(redis: Redis) -> tuple[float, Policies]:
    """Redis' time, and all policies.

    Raises:
        NoNodesError: no node has ever written here.
    """
    basics = await read_basics(redis)
    if basics.nobody_wrote:
        raise NoNodesError(place(redis))
    return basics.at, await read_policies(redis, basics)


def _override(live: Overrides, client: str) -> str | None:
    """A client's override as the audit shows it."""
    if client in live.limits:
        return str(live.limits[client].limit)
    return "unreadable" if overrides.LIMIT_FIELD + client in live.malformed else None


async def _audit(
    redis: Redis, at: float, actor: Actor, action: str, client: str, before: str | None, after: str | None
) -> None:
    record = audit.AuditRecord(at, actor.by, action, client, before, after, actor.why)
    await redis.xadd(
        keys.AUDIT, {audit.STREAM_FIELD: codec.encode(record)}, maxlen=audit.STREAM_LENGTH, approximate=True
    )
