"""What a subject records, it shows again without Redis as it was."""

import asyncio
import json
import os
import re
import signal
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import (
    MAX_INTEGER,
    STREAM_FIELD,
    ClientCount,
    StoreStatus,
    Totals,
    UpstreamTotals,
    encode,
)
from loadtest.redis_server import RedisServer
from tests.integration.subject.publishing import (
    SKEWED,
    answering,
    nowhere,
    publish,
    publish_cluster,
    subject,
    subject_process,
)
from tests.unit.subject.builders import NodeScript, always, entry, even, policies, record, steps

LATELY = [NodeScript(f"node-{n}", steps((0, 40), (90, rate))) for n, rate in ((1, 12), (2, 96), (3, 12))]
PASSING = [
    NodeScript(f"node-{n}", steps((0, 40), (90, rate), (130, 40))) for n, rate in ((1, 12), (2, 96), (3, 12))
]


def without_time(document: dict[str, Any]) -> list[tuple[str, Any, float]]:
    """What a diagnosis says; when it was made differs from look to look."""
    return [(one["code"], one["subject"], round(one["since"])) for one in document["findings"]]


async def test_a_replay_gives_the_same_findings_without_redis(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "incident.jsonl"
    await publish_cluster(redis_client, LATELY, 120, policies().table)

    seen = json.loads((await subject("diagnose", "--json", redis_url=redis_url)).out)
    made = await subject_process("record", str(file), redis_url=redis_url)
    again = await subject_process("replay", str(file), "--json", redis_url=nowhere())

    replayed = json.loads(again.out)
    assert (made.code, made.err, again.code, again.err) == (0, "", 1, "")
    what = rf"Recorded in {re.escape(str(file))} \([0-9,.]+ kB\): what 3 nodes told, each second from "
    times = r"([0-9:]{8}Z) to ([0-9:]{8}Z)\.\n"
    how = f"To see what was wrong, and when, anywhere and without Redis: subject replay {file}\n"
    assert re.fullmatch(what + times + re.escape(how), made.out), made.out
    assert without_time(replayed["diagnosis"]) == without_time(seen) != []
    assert replayed["until"] - replayed["from"] >= 114  # and as much more as the machine was slow
    (event,) = replayed["events"]
    assert (event["event"], event["code"], event["subject"]["id"]) == ("began", "node_skew", "node-2")
    assert event["at"] == pytest.approx(seen["findings"][0]["since"] + 5, abs=5)


async def test_what_was_over_before_it_was_recorded_is_told(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "incident.jsonl.gz"
    await publish_cluster(redis_client, PASSING, 180, policies().table)
    await subject("record", str(file), redis_url=redis_url)

    run = await subject("replay", str(file), redis_url=nowhere())
    head, began, over, *_ = run.out.splitlines()
    during = await subject("replay", str(file), "--at", began.split()[0], redis_url=nowhere())

    assert run.code == 1
    assert re.fullmatch("Recorded from [0-9:]{8}Z to [0-9:]{8}Z; what began and was over:", head)
    assert "warning: node_skew: node-2 serves " in began
    assert "over: node_skew, node-2, since" in over
    assert "Healthy: nothing was found." in run.out
    assert re.search("node_skew  [0-9]+ % sure that it is so", during.out)


async def test_what_hostile_records_count_keeps_no_recording_from_being_read(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "incident.jsonl"
    (last, *_) = await publish(redis_client, [record()], policies().table)
    for back, requests in ((200, -MAX_INTEGER), (190, MAX_INTEGER)):
        for node_id in ("node-1", "node-2"):
            one = replace(
                last,
                node_id=node_id,
                at=last.at - back,
                started_at=last.at - 1000,
                boot=Totals(requests),
                busiest=(ClientCount("acme", requests, 0),),
                upstream=UpstreamTotals(answered=requests),
                upstream_latency=((9, requests),),
                store_latency=((9, requests),),
            )
            await redis_client.xadd(keys.HISTORY, {STREAM_FIELD: encode(one)}, id=f"{int(1000 * one.at)}-*")

    made = await subject("record", str(file), redis_url=redis_url)
    again = await subject("replay", str(file), redis_url=nowhere())

    assert '{"step":' in file.read_text()
    assert (made.code, again.code, again.err) == (0, 0, "")


async def test_a_recording_is_replayed_from_a_pipe_and_told_of_as_a_shell_takes_it(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    await publish_cluster(redis_client, SKEWED, 60)
    for name in ("an incident.jsonl", "an incident.jsonl.gz"):
        file = tmp_path / name
        made = await subject("record", str(file), redis_url=redis_url)
        replay = asyncio.create_task(subject("replay", str(pipe), redis_url=nowhere()))
        await asyncio.to_thread(pipe.write_bytes, file.read_bytes())
        again = await replay

        assert made.out.endswith(f": subject replay '{file}'\n")
        assert (again.code, again.err) == (1, "")
        assert "node_skew" in again.out


async def test_only_its_owner_may_read_it_and_nothing_is_overwritten(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    await publish_cluster(redis_client, even(always(60)), 20)

    first = await subject("record", str(file), redis_url=redis_url)
    before = file.read_bytes()
    second = await subject("record", str(file), redis_url=redis_url)
    nowhere_to = await subject("record", str(tmp_path / "no" / "a.jsonl"), redis_url=redis_url)

    assert (first.code, second.code, nowhere_to.code) == (0, 2, 2)
    assert "is there already: name another file" in second.err
    assert "cannot be written: No such file or directory" in nowhere_to.err
    assert file.read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_thresholds_are_recorded_and_can_be_tried_anew(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.jsonl")
    await publish_cluster(redis_client, SKEWED, 60)
    lax = {"SUBJECT_SKEW_RATIO": "900"}

    await subject("record", file, redis_url=redis_url, settings=lax)

    assert (await subject("replay", file, redis_url=nowhere())).code == 0
    assert (
        await subject("replay", file, redis_url=nowhere(), settings={"SUBJECT_SKEW_RATIO": "1.5"})
    ).code == 1


async def test_an_outage_is_recorded_as_the_nodes_tell_it(
    own_redis: RedisServer, own_client: Redis, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.jsonl")
    (alive,) = await publish(own_client, [record("node-1")])
    os.kill(own_redis.pid, signal.SIGKILL)
    async with answering(entry(replace(alive, store=StoreStatus(False)))) as address:
        made = await subject_process(
            "record", file, redis_url=own_redis.url, settings={"SUBJECT_NODES": address}
        )
    again = await subject("replay", file, "--json", redis_url=nowhere())

    assert made.code == 1
    assert "what 1 node told when it was asked, since Redis does not answer" in made.out
    assert "store_down" in [one["code"] for one in json.loads(again.out)["diagnosis"]["findings"]]


async def test_blindness_is_said_and_recorded(tmp_path: Path) -> None:
    file = str(tmp_path / "a.jsonl")

    made = await subject_process("record", file, redis_url=nowhere())
    again = await subject("replay", file, redis_url=nowhere())

    assert made.code == 3
    assert "kB): nothing but that neither Redis nor a node answered.\n" in made.out
    assert again.code == 1
    assert "observer_blind" in again.out


async def test_that_there_are_no_nodes_is_said(redis_client: Redis, redis_url: str, tmp_path: Path) -> None:
    await redis_client.ping()

    made = await subject("record", str(tmp_path / "a.jsonl"), redis_url=redis_url)

    assert "kB): nothing but that no node has ever written to this Redis.\n" in made.out
