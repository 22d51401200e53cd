"""Look by look, for a time or by a watch, a cluster is recorded and replayed."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import (
    SKEWED,
    environment,
    nowhere,
    publish_cluster,
    subject,
    subject_process,
)


async def test_looks_are_recorded_for_a_time(redis_client: Redis, redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "looks.jsonl"
    await publish_cluster(redis_client, SKEWED, 20)

    made = await subject_process("record", str(file), "--for", "5s", redis_url=redis_url)

    looks = [text for text in file.read_text().splitlines() if text.startswith('{"look":')]
    assert made.code == 0
    assert 2 <= len(looks) <= 3
    assert made.out.startswith(f"Recording into {file}, a look every 2 s, for 5s; Ctrl-C ends it in order\n")
    assert f", and {len(looks)} looks of the subject" in made.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_in_order(
    redis_client: Redis, redis_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "looks.jsonl.gz"
    await publish_cluster(redis_client, SKEWED, 20)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "record", str(file), "--for", "1h"),
        env=environment(redis_url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    begun = await asyncio.wait_for(process.stdout.readline(), 30)
    process.send_signal(number)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    again = await subject("replay", str(file), redis_url=nowhere())

    assert (process.returncode, err) == (0, b"")
    assert begun.endswith(b", a look every 2 s, for 1h; Ctrl-C ends it in order\n")
    assert b", and 1 look of the subject" in out
    assert "node_skew" in again.out


async def test_a_hang_up_that_is_ignored_ends_nothing(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "looks.jsonl"
    await publish_cluster(redis_client, SKEWED, 20)
    process = await asyncio.create_subprocess_exec(
        *("nohup", sys.executable, "-m", "subject", "record", str(file), "--for", "1h"),
        env=environment(redis_url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 30)
    process.send_signal(signal.SIGHUP)

    async def looks() -> int:
        return file.read_text().count('{"look":')

    await eventually(looks, lambda number: number > 1)
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_what_a_watch_recorded_is_replayed_look_by_look(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "watched.jsonl.gz")
    await publish_cluster(redis_client, SKEWED, 60)

    watched = await subject_process(
        *("watch", "--json", "--every", "1s", "--for", "3s", "--record", file), redis_url=redis_url
    )
    replayed = await subject("replay", file, "--looks", "--json", redis_url=nowhere())
    lax = {"SUBJECT_SKEW_RATIO": "900"}
    quiet = await subject("replay", file, "--looks", "--json", redis_url=nowhere(), settings=lax)

    seen = [json.loads(text) for text in watched.out.splitlines()]
    again = [json.loads(text) for text in replayed.out.splitlines()]
    assert (watched.code, watched.err, replayed.code, replayed.err, quiet.code) == (0, "", 1, "", 0)
    assert again == [{name: look[name] for name in again[0]} for look in seen]
    assert 2 <= len(again) <= 4
    assert again[0]["findings"]
    assert [json.loads(text)["at"] for text in quiet.out.splitlines()] == [look["at"] for look in seen]


async def test_looks_are_replayed_in_the_lines_of_a_watch(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "watched.jsonl")
    await publish_cluster(redis_client, SKEWED, 60)

    watched = await subject_process("watch", "--for", "1s", "--record", file, redis_url=redis_url)
    replayed = await subject("replay", file, "--looks", redis_url=nowhere())

    assert replayed.out == watched.out
    assert "node_skew" in replayed.out


async def test_a_watch_overwrites_no_file(redis_client: Redis, redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "watched.jsonl"
    file.write_text("mine")
    await publish_cluster(redis_client, SKEWED, 60)

    run = await subject("watch", "--for", "1s", "--record", str(file), redis_url=redis_url)

    assert (run.code, file.read_text()) == (2, "mine")
    assert "is there already: name another file" in run.err
