"""Actions say what they would do, can be taken back, and overwrite nothing unseen."""

import json
import re
import shlex
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override
from gateway.contract.records import encode
from subject.actions import edits
from subject.figures import instant
from subject.settings import load
from subject.telemetry.reader import Reader
from subject.telemetry.redis_reads import redis_time
from tests.integration.gateway.node import eventually, running_node
from tests.integration.gateway.upstream import Upstream
from tests.integration.subject.publishing import (
    Run,
    audited,
    limit_of,
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


async def test_a_limit_is_undone_as_printed(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    first = await subject("limits", "set", "acme", "500/m", *WHY, "--for", "10m", redis_url=redis_url)
    before = await limit_of(redis_client, "acme")
    second = await subject("limits", "set", "acme", "7/s", *WHY, redis_url=redis_url)
    back = await subject(*undo_of(second), redis_url=redis_url)
    now = await limit_of(redis_client, "acme")

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
    assert await limit_of(redis_client, "acme") == now


async def test_a_limit_that_was_taken_out_is_put_back_as_printed(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], TABLE)
    await subject("limits", "set", "acme", "10/s,500/m", *WHY, redis_url=redis_url)
    taken = await subject("limits", "unset", "acme", redis_url=redis_url)
    back = await subject(*undo_of(taken), redis_url=redis_url)
    once_more = await subject(*undo_of(taken), redis_url=redis_url)

    assert (taken.code, back.code) == (0, 0), back.err
    now = await limit_of(redis_client, "acme")
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
    now = await limit_of(redis_client, "acme")
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
        (("0/m",), "between 1 and 1,000,000,000; to shut a client out, put it on GATEWAY_DENY"),
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
    assert await limit_of(redis_client, "acme") is None


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


async def test_a_limit_that_ended_meanwhile_is_no_longer_what_was_seen(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], TABLE)
    at = await redis_time(redis_client)
    ended = Override(parse_limits("5/s"), "ana", at - 60, "x", at - 1)
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(ended))
    run = await subject("limits", "set", "acme", "9/s", *WHY, "--revision", "none", redis_url=redis_url)

    assert run.code == 0, run.err


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
