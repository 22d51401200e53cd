"""Actions say what they would do, can be taken back, and overwrite nothing unseen."""

import asyncio
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import codec, keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.redis_url import parse_redis_url
from loadtest import delay_proxy
from loadtest.redis_server import RedisServer
from subject.actions import changes, edits, effects, forget, leases
from subject.actions.revisions import revision
from subject.errors import ConflictError, HalfDoneError, RedisAwayError
from subject.figures import instant
from subject.settings import load
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import connect
from subject.telemetry.redis_reads import redis_time
from tests.integration.gateway.node import eventually, running_node
from tests.integration.gateway.upstream import Upstream
from tests.integration.subject.publishing import (
    Run,
    audited,
    environment,
    live_changes,
    publish,
    publish_cluster,
    subject,
)
from tests.unit.subject.builders import NodeScript, always, policies, record

WHY = ("--why", "a test")
TABLE = policies("100/m", {"acme": "50/s"}).table
ACTOR = edits.Actor("ana", "a test")


def undo_of(run: Run) -> list[str]:
    """The command that is printed as undo, as a shell reads it."""
    command = shlex.split(run.out.rpartition("Undo: ")[2])
    assert command[0] == "subject"
    return command[1:]


async def limit_of(redis: Redis, client: str = "acme") -> Override | None:
    return (await live_changes(redis)).limits.get(client)


async def test_a_limit_is_undone_as_printed(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    first = await subject("limits", "set", "acme", "500/m", *WHY, "--for", "10m", redis_url=redis_url)
    before = await limit_of(redis_client)
    second = await subject("limits", "set", "acme", "7/s", *WHY, redis_url=redis_url)
    back = await subject(*undo_of(second), redis_url=redis_url)
    now = await limit_of(redis_client)

    assert (first.code, second.code, back.code) == (0, 0, 0), back.err
    assert before is not None
    assert now is not None
    assert (now.limit, now.why) == (before.limit, "undo")
    assert now.until is not None
    assert before.until is not None
    assert abs(now.until - before.until) < 1

    again = await subject(*undo_of(first), redis_url=redis_url)
    assert again.code == 2
    assert "acme was changed meanwhile: it has 500/m, set by" in again.err
    assert await limit_of(redis_client) == now


async def test_a_limit_that_was_taken_out_is_put_back_as_printed(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    await subject("limits", "set", "acme", "10/s,500/m", *WHY, redis_url=redis_url)
    taken = await subject("limits", "unset", "acme", redis_url=redis_url)
    back = await subject(*undo_of(taken), redis_url=redis_url)
    once_more = await subject(*undo_of(taken), redis_url=redis_url)

    assert (taken.code, back.code) == (0, 0), back.err
    now = await limit_of(redis_client)
    assert now is not None
    assert now.limit == parse_limits("10/s,500/m")
    assert (once_more.code, "changed meanwhile" in once_more.err) == (2, True)


async def test_what_a_limit_would_change_is_told_and_nothing_is_changed(
    redis_client: Redis, redis_url: str
) -> None:
    await publish_cluster(redis_client, [NodeScript(requests=always(9))], 20, TABLE)
    await subject("limits", "set", "acme", "50/s", "--why", "big day", redis_url=redis_url)
    before = await redis_client.hgetall(keys.OVERRIDES)
    run = await subject(
        "limits", "set", "acme", "500/m", *WHY, "--for", "2h", "--dry-run", redis_url=redis_url
    )
    document = json.loads(
        (await subject("limits", "set", "acme", "5/s", *WHY, "--dry-run", "--json", redis_url=redis_url)).out
    )

    assert (run.code, run.err) == (0, "")
    first, *notes, last = run.out.splitlines()
    assert re.match(
        r"acme would have 500/m until \S+( \S+)?, then 50/s \(client\) \(has 50/s, override by ", first
    )
    assert last == "Nothing was changed."
    assert "It would hold on node-1." in notes
    assert any("500/m (override) would count from empty" in note for note in notes)
    assert any(
        note.startswith("It would replace the limit of 50/s that ") and "big day" in note for note in notes
    )
    assert (document["done"], document["limit"], document["undo"]) == (False, "5/s", None)
    assert await redis_client.hgetall(keys.OVERRIDES) == before
    assert len(await audited(redis_client)) == 1
    assert not await redis_client.exists(keys.editing("acme"))


async def test_a_limit_ends_at_a_time_that_is_given(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    until = round(await redis_time(redis_client)) + 600
    run = await subject(
        *("limits", "set", "acme", "9/s", *WHY, "--until", f"{instant(until):%Y-%m-%dT%H:%M:%SZ}"),
        redis_url=redis_url,
    )

    assert run.code == 0, run.err
    now = await limit_of(redis_client)
    assert now is not None
    assert now.until == until


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("9/s", "--until", "2020-01-01T00:00:00Z"), "is no end for a limit: write a time after now"),
        (("9/s", "--until", "2920-01-01T00:00:00Z"), "within 366 days"),
        (("9/s", "--until", "tomorrow"), "write it as in 2026-11-29T18:00:00Z"),
        (("9/s", "--until", "2026-11-29T18:00:00"), "is no time with its zone"),
        (("9/s", "--until", "2026-11-29T18:00:00Z", "--for", "1h"), "not allowed with argument"),
        (("500/min",), "did you mean 500/m?"),
        (("500",), "write /m behind the number"),
        (
            ("9/s", "--revision", "0123abcd"),
            "acme was changed meanwhile: it has no live limit (revision none",
        ),
    ],
)
async def test_bad_input_is_refused_with_what_would_be_right(
    redis_client: Redis, redis_url: str, arguments: tuple[str, ...], expected: str
) -> None:
    await publish(redis_client, [record()], TABLE)
    run = await subject("limits", "set", "acme", *arguments, *WHY, redis_url=redis_url)

    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert expected in run.err
    assert await limit_of(redis_client) is None


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
    standing = await limit_of(redis_client)
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

    assert await limit_of(redis_client) is None
    assert await redis_client.exists(keys.editing("acme"))
    assert 0 < await redis_client.pttl(keys.editing("acme")) <= 5000


async def test_a_key_that_was_typed_for_a_client_is_written_nowhere(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], TABLE)
    for command in (("limits", "set", "sk-secret-4711", "9/s", *WHY), ("limits", "unset", "sk-secret-4711")):
        await redis_client.config_set("slowlog-log-slower-than", 0)
        await redis_client.slowlog_reset()
        run = await subject(*command, redis_url=redis_url)
        sent = await redis_client.slowlog_get(1000)
        assert run.code == 2
        assert not [one for one in sent if b"4711" in bytes(str(one["command"]), "utf-8")]
    await redis_client.config_set("slowlog-log-slower-than", 10_000)


async def test_an_action_says_on_which_node_it_is_in_force_and_since_when(
    redis_client: Redis, redis_url: str, upstream: Upstream
) -> None:
    settings = {"redis_url": redis_url, "upstream_url": upstream.url}
    patient = {"SUBJECT_WAIT_SECONDS": "10", "SUBJECT_NODE_DOWN_SECONDS": "10"}
    client = "k_0123456789abcdef"
    async with running_node(node_id="node-1", **settings), running_node(node_id="node-2", **settings):
        await eventually(lambda: redis_client.hlen(keys.NODES), lambda number: number == 2)
        done = await subject("limits", "set", client, "9/s", *WHY, redis_url=redis_url, settings=patient)
        text = await subject("limits", "unset", client, "--json", redis_url=redis_url, settings=patient)
        quick = await subject("reset", client, "--no-wait", redis_url=redis_url, settings=patient)

    assert re.search(
        r"; in force on node-[12] after [\d.]+ m?s, node-[12] after [\d.]+ m?s\. Undo: ", done.out
    ), done
    document = json.loads(text.out)
    assert {one["node"] for one in document["effects"]} == {"node-1", "node-2"}
    assert all(0 <= one["seconds"] < 5 for one in document["effects"])
    assert "nodes take it over within a second" in quick.out


async def test_a_node_that_does_not_take_it_over_is_named(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    run = await subject(
        *("limits", "set", "acme", "9/s", *WHY), redis_url=redis_url, settings={"SUBJECT_WAIT_SECONDS": "0.3"}
    )

    assert run.code == 0
    assert "; not yet on node-1, as far as they say: subject nodes. Undo: " in run.out


async def test_a_node_that_is_gone_is_forgotten_and_audited(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, NodeScript("node-1").records(5), ended_seconds_ago=90)
    await publish(redis_client, NodeScript("node-2").records(5))
    refused = await subject("nodes", "forget", "node-2", redis_url=redis_url)
    unknown = await subject("nodes", "forget", "node-7", redis_url=redis_url)
    done = await subject("nodes", "forget", "node-1", "--why", "sold", redis_url=redis_url)
    shown = await subject("nodes", redis_url=redis_url)
    audit = await subject("audit", redis_url=redis_url)

    assert (refused.code, "node-2 is up, and would be back within a second" in refused.err) == (2, True)
    assert (unknown.code, "known: node-1, node-2" in unknown.err) == (2, True)
    assert (done.code, done.out) == (
        0,
        "node-1, which was Down, is forgotten: its totals are no longer in the sums\n",
    )
    assert await redis_client.hkeys(keys.NODES) == ["node-2"]
    assert "node-1" not in shown.out
    (written,) = await audited(redis_client)
    assert (written.action, written.client, written.node, written.why) == ("forget", "", "node-1", "sold")
    assert re.search(r"forget +node-1 +Down", audit.out)


async def test_a_node_that_left_or_cannot_be_read_is_forgotten_too(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record("node-1", leaving=True)])
    await redis_client.hset(keys.NODES, "node-9", "x")
    done = [await subject("nodes", "forget", node, redis_url=redis_url) for node in ("node-1", "node-9")]

    assert [run.code for run in done] == [0, 0]
    assert not await redis_client.exists(keys.NODES)


async def test_where_redis_goes_away_as_a_node_is_forgotten_nobody_says_that_it_was_not(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, NodeScript("node-1").records(5), ended_seconds_ago=90)
    judged = forget._state

    def and_then_stopped(*given: Any, **named: Any) -> str:
        os.kill(own_redis.pid, signal.SIGSTOP)
        return judged(*given, **named)

    monkeypatch.setattr(forget, "_state", and_then_stopped)
    try:
        run = await subject(
            *("nodes", "forget", "node-1"),
            redis_url=own_redis.url,
            settings={"SUBJECT_TIMEOUT_SECONDS": "0.5"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "whether it was made is not known: subject nodes tells who is there" in run.err
    assert "try again" not in run.err


async def test_a_limit_that_ended_meanwhile_is_no_longer_what_was_seen(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], TABLE)
    at = await redis_time(redis_client)
    ended = Override(parse_limits("5/s"), "ana", at - 60, "x", at - 1)
    await redis_client.hset(keys.OVERRIDES, "limit:acme", codec.encode(ended))
    run = await subject("limits", "set", "acme", "9/s", *WHY, "--revision", "none", redis_url=redis_url)

    assert run.code == 0, run.err


@pytest.mark.parametrize("command", [("limits", "set", "acme", "9/s", *WHY), ("limits", "unset", "acme")])
async def test_where_redis_goes_away_at_the_change_nobody_says_that_it_was_not_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await publish(own_client, [record()], TABLE)
    await edits.set_limit(own_client, edits.LimitChange("acme", parse_limits("5/s"), ACTOR))
    monkeypatch.setattr(leases.Lease, "check", lambda _: os.kill(own_redis.pid, signal.SIGSTOP))
    try:
        run = await subject(*command, redis_url=own_redis.url, settings={"SUBJECT_TIMEOUT_SECONDS": "0.2"})
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "whether it was made is not known: subject limits tells what stands" in run.err


async def test_where_redis_goes_away_after_the_change_it_is_said_to_have_been_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, [record()], TABLE)

    wait = effects.effects

    async def effects_of_a_stopped_one(*given: Any) -> Any:
        os.kill(own_redis.pid, signal.SIGSTOP)
        return await wait(*given)

    monkeypatch.setattr(effects, "effects", effects_of_a_stopped_one)
    try:
        run = await subject(
            *("limits", "set", "acme", "9/s", *WHY),
            redis_url=own_redis.url,
            settings={"SUBJECT_WAIT_SECONDS": "1", "SUBJECT_TIMEOUT_SECONDS": "0.2"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.err) == (0, "")
    assert "acme now has 9/s (was 50/s, client); nodes take it over within a second. Undo: " in run.out


async def test_where_redis_goes_away_before_the_audit_the_change_is_said_to_be_made(
    own_redis: RedisServer, own_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(own_client, [record()], TABLE)
    told = changes.tell

    async def to_a_stopped_one(*given: Any) -> None:
        os.kill(own_redis.pid, signal.SIGSTOP)
        await told(*given)

    monkeypatch.setattr(changes, "tell", to_a_stopped_one)
    try:
        run = await subject(
            "limits",
            "set",
            "acme",
            "9/s",
            *WHY,
            redis_url=own_redis.url,
            settings={"SUBJECT_TIMEOUT_SECONDS": "0.2"},
        )
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert "what was done is in force, and whether it is in the audit is not known" in run.err
    assert "try again" not in run.err


async def test_a_change_that_may_be_under_way_keeps_others_off(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(redis_client, [record()], TABLE)
    monkeypatch.setattr(leases, "PATIENCE_SECONDS", 0.1)
    host, port = parse_redis_url(redis_url).addresses[0]
    async with (
        delay_proxy.running(host, port) as proxy,
        connect(redis_url.replace(f":{port}/", f":{proxy.port}/"), 0.3) as late,
    ):

        def hold(_: leases.Lease) -> None:
            """What comes now is under way for long, and what comes later is not."""
            proxy.delay_seconds = 3.0
            asyncio.get_running_loop().call_later(0.1, setattr, proxy, "delay_seconds", 0.0)

        with monkeypatch.context() as patch:
            patch.setattr(leases.Lease, "check", hold)
            with pytest.raises(HalfDoneError, match="whether it was made is not known"):
                await edits.set_limit(late, edits.LimitChange("acme", parse_limits("9/s"), ACTOR))
        with pytest.raises(ConflictError, match="somebody else is changing acme"):
            await edits.set_limit(redis_client, edits.LimitChange("acme", parse_limits("7/s"), ACTOR))


@pytest.mark.parametrize(
    ("command", "is_made"),
    [
        (("limits", "set", "acme", "9/s", *WHY), lambda live: "acme" in live.limits),
        (("limits", "unset", "k_0123456789abcdef"), lambda live: not live.limits),
        (("reset", "acme"), lambda live: "acme" in live.generations),
    ],
)
async def test_what_is_made_is_audited_though_it_is_interrupted(
    redis_client: Redis, redis_url: str, command: tuple[str, ...], is_made: Callable[[Overrides], bool]
) -> None:
    await publish(redis_client, [record()], TABLE)
    if "unset" in command:
        await edits.set_limit(redis_client, edits.LimitChange(command[2], parse_limits("5/s"), ACTOR))
    before = len(await audited(redis_client))
    address = parse_redis_url(redis_url).addresses[0]
    async with delay_proxy.running(*address) as proxy:
        proxy.delay_seconds = 0.1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", *command),
            env=environment(redis_url.replace(f":{address[1]}/", f":{proxy.port}/")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await eventually(lambda: live_changes(redis_client), is_made)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)

    assert (process.returncode, out) == (130, b"")
    assert err == b"subject: interrupted: subject audit tells whether anything was changed\n"
    assert len(await audited(redis_client)) == before + 1


async def test_tables_of_many_clients_are_read_once(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    async with Reader(load(REDIS_URL=redis_url)) as reader:
        await redis_client.config_resetstat()
        views = [await reader.look() for _ in range(3)]
        await edits.set_limit(redis_client, edits.LimitChange("acme", parse_limits("9/s"), ACTOR))
        await edits.unset_limit(redis_client, "acme", ACTOR)
        info: dict[str, Any] = await redis_client.info("commandstats")

    assert info["cmdstat_mget"]["calls"] == 3
    assert all(view.policies.table == TABLE for view in views)


async def test_another_table_is_read_where_nodes_enforce_another(redis_client: Redis, redis_url: str) -> None:
    other = policies("7/m").table
    async with Reader(load(REDIS_URL=redis_url)) as reader:
        await publish(redis_client, [record()], TABLE)
        first = await reader.look()
        await publish(redis_client, [record()], other)
        second = await reader.look()

    assert (first.policies.table, second.policies.table) == (TABLE, other)
    assert len(second.policies.tables) == 1
