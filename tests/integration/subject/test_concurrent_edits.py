"""Edits by several at once are made one after the other, and none overwrites what its maker has not seen."""

import asyncio
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from subject.actions import edits, leases
from subject.actions.revisions import revision
from subject.errors import ConflictError, RedisAwayError
from tests.integration.subject.publishing import (
    audited,
    limit_of,
    publish,
    subject,
)
from tests.unit.subject.builders import policies, record

WHY = ("--why", "a test")
TABLE = policies("100/m", {"acme": "50/s"}).table
ACTOR = edits.Actor("ana", "a test")


async def test_concurrent_edits_are_made_one_after_the_other_and_audited_so(redis_client: Redis) -> None:
    """Each tells what it replaced: what the one before had set, and nothing is overwritten unseen."""
    await publish(redis_client, [record()], TABLE)
    url = redis_client.connection_pool.connection_kwargs

    async def edit(number: int) -> None:
        async with Redis(port=url["port"], decode_responses=True) as own:
            await edits.set_limit(
                own, edits.LimitChange("acme", parse_limits(f"{number}/m"), edits.Actor(f"op-{number}"))
            )

    await asyncio.gather(*(edit(number) for number in range(1, 13)))

    records = await audited(redis_client)
    assert len(records) == 12
    assert records[0].before is None
    assert [later.before for later in records[1:]] == [earlier.after for earlier in records[:-1]]
    standing = await limit_of(redis_client, "acme")
    assert standing is not None
    assert str(standing.limit) == records[-1].after
    assert all(earlier.at <= later.at for earlier, later in pairwise(records))
    assert not await redis_client.exists(keys.editing("acme"))


async def test_of_many_who_change_what_they_saw_one_does(redis_client: Redis) -> None:
    await publish(redis_client, [record()], TABLE)
    await edits.set_limit(redis_client, edits.LimitChange("acme", parse_limits("9/m"), ACTOR))
    seen = await edits.propose_limit(redis_client, edits.LimitChange("acme", parse_limits("9/m"), ACTOR))
    assert seen.replaced is not None

    async def edit(number: int) -> bool:
        port = redis_client.connection_pool.connection_kwargs["port"]
        async with Redis(port=port, decode_responses=True) as own:
            try:
                await edits.set_limit(
                    own,
                    edits.LimitChange(
                        "acme", parse_limits(f"{number}/s"), ACTOR, if_revision=revision(seen.replaced)
                    ),
                )
            except ConflictError:
                return False
            return True

    done = await asyncio.gather(*(edit(number) for number in range(1, 9)))

    assert sum(done) == 1
    assert len(await audited(redis_client)) == 2


async def test_who_finds_that_somebody_else_is_at_it_waits_and_then_says_so(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(redis_client, [record()], TABLE)
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0.2)
    await redis_client.set(keys.editing("acme"), "1", px=60_000)
    run = await subject("limits", "set", "acme", "9/s", *WHY, redis_url=redis_url)
    await redis_client.delete(keys.editing("acme"))
    then = await subject("limits", "set", "acme", "9/s", *WHY, redis_url=redis_url)

    assert (run.code, "somebody else is changing acme at this moment" in run.err) == (2, True)
    assert then.code == 0


async def test_who_was_too_slow_changes_nothing_and_takes_no_others_lease(
    redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(redis_client, [record()], TABLE)
    monkeypatch.setattr(leases, "USABLE_SECONDS", -1.0)

    with pytest.raises(RedisAwayError, match="nothing was changed"):
        await edits.set_limit(redis_client, edits.LimitChange("acme", parse_limits("9/s"), ACTOR))

    assert await limit_of(redis_client, "acme") is None
    assert await redis_client.exists(keys.editing("acme"))
    assert 0 < await redis_client.pttl(keys.editing("acme")) <= 5000
