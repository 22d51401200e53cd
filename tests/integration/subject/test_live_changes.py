"""Live changes by the command line: limits for a time, resets, their announcement and their audit."""

import json
import re
from pathlib import Path

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import MAX_RECORDS, VERSION_FIELD, Override
from gateway.contract.records import STREAM_FIELD, AuditRecord, encode
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.publishing import (
    audited,
    live_changes,
    nowhere,
    publish,
    publish_cluster,
    subject,
)
from tests.unit.subject.builders import NodeScript, always, policies, record, steps

CLIENT = "k_0123456789abcdef"
WHY = ("--why", "a test")


async def test_a_limit_for_a_time_is_shown_with_what_comes_after(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)

    done = await subject("limits", "set", "acme", "500/m", *WHY, "--for", "10m", redis_url=redis_url)
    shown = await subject("limits", "get", "acme", redis_url=redis_url)
    (limit,) = json.loads((await subject("limits", "get", "--json", redis_url=redis_url)).out)["limits"]

    assert done.code == 0
    assert re.match(
        r"acme now has 500/m until (\S+ )?\d\d:\d\d:\d\dZ, then 50/s \(client\) \(was 50/s, client\); nodes",
        done.out,
    )
    assert re.search(r"500/m \(override\) until (\S+ )?\d\d:\d\d:\d\dZ, then 50/s \(client\)", shown.out)
    assert limit["until"] - limit["since"] == 600
    assert limit["usual"] == {"limit": "50/s", "source": "client"}
    (written,) = await audited(redis_client)
    assert written.until == limit["until"]


async def test_a_limit_that_has_ended_is_none_and_can_be_taken_out(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    ended = Override(parse_limits("500/m"), "ana", 1.0, "a day long ago", 2.0)
    await redis_client.hset(keys.OVERRIDES, "limit:acme", encode(ended))

    (shown,) = json.loads((await subject("limits", "get", "acme", "--json", redis_url=redis_url)).out)[
        "limits"
    ]
    unset = await subject("limits", "unset", "acme", redis_url=redis_url)

    assert (shown["limit"], shown["source"], shown["until"]) == ("50/s", "client", None)
    assert "acme's limit of 500/m had ended: its record was taken out" in unset.out
    assert not await redis_client.hexists(keys.OVERRIDES, "limit:acme")


async def test_each_change_raises_the_version_and_is_announced(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    async with redis_client.pubsub() as listening:
        await listening.subscribe(keys.CHANGES)
        await listening.get_message(timeout=5)
        await subject("limits", "set", "acme", "500/m", *WHY, redis_url=redis_url)
        await subject("reset", CLIENT, redis_url=redis_url)
        await subject("limits", "unset", "acme", redis_url=redis_url)
        await subject("limits", "unset", "acme", redis_url=redis_url)  # nothing to change
        heard = [await listening.get_message(timeout=5) for _ in range(3)]
        silent = await listening.get_message(timeout=0.1)

    assert [None if one is None else one["data"] for one in heard] == ["1 acme", f"2 {CLIENT}", "3 acme"]
    assert silent is None
    assert await redis_client.hget(keys.OVERRIDES, VERSION_FIELD) == "3"


async def test_the_audit_is_shown_with_the_newest_last(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await subject("limits", "set", "acme", "500/m", "--why", "a big day", "--for", "2h", redis_url=redis_url)
    await subject("reset", CLIENT, redis_url=redis_url)
    await subject("limits", "unset", "acme", "--why", "it is over", redis_url=redis_url)

    shown = await subject("audit", redis_url=redis_url)
    one = await subject("audit", "--client", CLIENT, "--since", "1h", redis_url=redis_url)
    document = json.loads((await subject("audit", "--json", redis_url=redis_url)).out)

    assert (shown.code, shown.err) == (0, "")
    head, *lines = [line.split() for line in shown.out.splitlines()]
    assert head == ["when", "by", "action", "of", "before", "after", "until", "why"]
    assert [line[2:5] for line in lines] == [
        ["set", "acme", "–"],
        ["reset", CLIENT, "0"],
        ["unset", "acme", "500/m"],
    ]
    assert lines[0][-3:] == ["a", "big", "day"]
    assert (len(one.out.splitlines()), CLIENT in one.out) == (2, True)
    assert [entry["action"] for entry in document["records"]] == ["set", "reset", "unset"]
    first = document["records"][0]
    assert (first["before"], first["after"], first["why"]) == (None, "500/m", "a big day")
    assert first["until"] - first["at"] == 7200
    assert document["unreadable"] == 0


async def test_the_audit_goes_back_as_far_as_is_asked_for(redis_client: Redis, redis_url: str) -> None:
    at = await redis_time(redis_client)
    for age_seconds in (7200, 60):
        old = AuditRecord(at - age_seconds, "ana", "reset", CLIENT, "0", str(age_seconds), None)
        await redis_client.xadd(
            keys.AUDIT, {STREAM_FIELD: encode(old)}, id=f"{int(1000 * (at - age_seconds))}-0"
        )

    for since, expected in (("1h", ["60"]), ("3h", ["7200", "60"])):
        document = json.loads((await subject("audit", "--since", since, "--json", redis_url=redis_url)).out)
        assert [entry["after"] for entry in document["records"]] == expected


async def test_an_audit_of_many_pages_is_read_whole(redis_client: Redis, redis_url: str) -> None:
    async with redis_client.pipeline(transaction=False) as pipe:
        for number in range(2500):
            one = AuditRecord(float(number), "ana", "reset", CLIENT, None, str(number), None)
            pipe.xadd(keys.AUDIT, {STREAM_FIELD: encode(one)})
        await pipe.execute()

    document = json.loads((await subject("audit", "--json", redis_url=redis_url)).out)

    assert [entry["after"] for entry in document["records"]] == [str(number) for number in range(2500)]


async def test_an_audit_is_safe_for_terminals_and_tells_what_cannot_be_read(
    redis_client: Redis, redis_url: str
) -> None:
    nasty = AuditRecord(9e18, "\x1b[2Jme", "set\n", CLIENT, None, "5/s", "\x1b]0;title\x07", 9e18)
    await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: encode(nasty)})
    await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: "{"})

    run = await subject("audit", redis_url=redis_url)
    text = (await subject("audit", "--json", redis_url=redis_url)).out

    assert run.out.replace("\n", "").isprintable()
    assert r"\x1b[2Jme" in run.out
    assert "Unreadable in Redis, left out: 1 audit records" in run.out
    assert text.strip().isprintable()
    assert json.loads(text)["unreadable"] == 1


async def test_an_audit_that_is_none_or_of_nothing_is_said_to_be(redis_client: Redis, redis_url: str) -> None:
    empty = await subject("audit", redis_url=redis_url)
    await redis_client.set(keys.AUDIT, "x")
    other = await subject("audit", redis_url=redis_url)
    away = await subject("audit", redis_url=nowhere())

    assert (empty.code, empty.out) == (0, "Nothing was changed, as far as the audit goes back.\n")
    assert (other.code, "ratelimit:audit is no stream" in other.err) == (3, True)
    assert (away.code, away.out, away.err.count("\n")) == (3, "", 1)


async def test_a_change_that_could_not_be_audited_says_that_it_was_made(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()])
    await redis_client.set(keys.AUDIT, "x")

    run = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, run.out) == (3, "")
    assert "what was done is in force, but not in the audit" in run.err
    assert (await live_changes(redis_client)).generations == {CLIENT: 1}


async def test_more_live_changes_than_may_be_are_refused_with_what_can_go(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()])
    ended = encode(Override(parse_limits("5/m"), "ana", 1.0, None, 2.0))
    names = [f"limit:k_{place:016x}" for place in range(MAX_RECORDS)]
    await redis_client.hset(keys.OVERRIDES, mapping=dict.fromkeys(names, ended))

    refused = [
        await subject("reset", CLIENT, redis_url=redis_url),
        await subject("limits", "set", CLIENT, "5/s", *WHY, redis_url=redis_url),
    ]
    replaced = await subject("limits", "set", "k_0000000000000007", "5/s", *WHY, redis_url=redis_url)
    made_room = await subject("limits", "unset", "k_0000000000000000", redis_url=redis_url)
    done = await subject("reset", CLIENT, redis_url=redis_url)

    for run in refused:
        assert (run.code, run.out) == (2, "")
        assert run.err == (
            "subject: 10,000 live changes stand in Redis, and 10,000 are the most that are written: "
            "10,000 of them have ended, subject limits unset k_0000000000000000 takes one out, "
            "and docs/how-to/limits.md says what else may go\n"
        )
    assert [run.code for run in (replaced, made_room, done)] == [0, 0, 0]


async def test_a_generation_that_is_no_number_is_mended_by_a_reset(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()])
    await redis_client.hset(keys.OVERRIDES, f"generation:{CLIENT}", "x")

    run = await subject("reset", CLIENT, redis_url=redis_url)
    again = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, again.code) == (0, 0)
    live = await live_changes(redis_client)
    assert live.malformed == ()
    assert live.generations[CLIENT] > 1_700_000_000
    assert [one.before for one in await audited(redis_client)] == [
        "unreadable",
        str(live.generations[CLIENT] - 1),
    ]


async def test_overrides_that_are_no_hash_are_told_and_blind_nobody(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies().table)
    await redis_client.set(keys.OVERRIDES, "x")

    told = await subject("diagnose", redis_url=redis_url)
    limits = await subject("limits", redis_url=redis_url)
    action = await subject("reset", CLIENT, redis_url=redis_url)

    assert told.code == 1
    assert "override_malformed" in told.out
    assert "No live change is taken over: ratelimit:overrides is no hash." in told.out
    assert (limits.code, "Default 100/m" in limits.out) == (0, True)
    assert "ratelimit:overrides is no hash" in limits.out
    assert (action.code, action.out) == (3, "")
    assert "ratelimit:overrides is no hash" in action.err


async def test_the_limit_that_refused_a_client_is_named_when_it_was_taken_back_and_in_a_replay(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    held, asked = {"acme": steps((0, 0), (50, 9))}, {"acme": always(10)}
    nodes = [
        NodeScript(f"node-{n}", always(20), held["acme"], clients=asked, refused_clients=held)
        for n in (1, 2, 3)
    ]
    await publish_cluster(redis_client, nodes, 60, policies(clients={"acme": "5/s"}).table)
    before = await redis_time(redis_client) - 30
    given = AuditRecord(before, "ann", "set", "acme", None, "7/m", "noisy")
    await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: encode(given)}, id=f"{int(1000 * before)}-0")
    stands = encode(Override(parse_limits("7/m"), "ann", before, "noisy"))
    await redis_client.hset(keys.OVERRIDES, "limit:acme", stands)
    file = str(tmp_path / "a.jsonl")

    await subject("limits", "unset", "acme", redis_url=redis_url)
    now = await subject("diagnose", redis_url=redis_url)
    since = await subject("diagnose", "--since", "5m", redis_url=redis_url)
    await subject("record", file, redis_url=redis_url)
    replayed = await subject("replay", file, redis_url=nowhere())
    looks = await subject("replay", file, "--looks", redis_url=nowhere())

    of_now = re.compile(r"its limit \(7/m, override, until it was taken back at [0-9:]{8}Z\)")
    for told in (now.out, since.out, looks.out, replayed.out):
        assert of_now.search(" ".join(told.split()))
    assert "its limit of 7/m (override)" in " ".join(replayed.out.split())


async def test_an_audit_that_is_none_keeps_nobody_from_looking(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies().table)
    await redis_client.set(keys.AUDIT, "mine")

    run = await subject("diagnose", redis_url=redis_url)

    assert (run.code, run.err) == (0, "")
