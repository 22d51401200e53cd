"""Recordings that were cut off, are none, or cannot be shown as asked."""

import gzip
import json
import re
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.subject.publishing import SKEWED, nowhere, publish_cluster, subject
from tests.unit.subject.builders import always, even


async def test_a_file_that_was_cut_off_is_shown_as_far_as_it_goes(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    await publish_cluster(redis_client, SKEWED, 60)
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    for file in (plain, packed):
        await subject("record", str(file), redis_url=redis_url)
    written = plain.read_bytes()
    plain.write_bytes(written + b'{"look":{"at":')
    packed.write_bytes(gzip.compress(written)[:-20] + b"")

    whole = await subject("replay", str(plain), redis_url=nowhere())
    cut = await subject("replay", str(packed), redis_url=nowhere())

    assert whole.code == 1
    assert "node_skew" in whole.out
    assert cut.code in (1, 2)
    assert "Traceback" not in cut.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no look"),
        (b"hello\n", "line 1: this is no line of a recording"),
        (b"\xff\xfe\n", "cannot be read"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b'{"header":{"format":"\x1b[2J","version":1,"written_by":"","thresholds":{}}}\n', "line 1: "),
    ],
)
async def test_another_file_is_wrong_use(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(content)

    run = await subject("replay", str(file), redis_url=nowhere())

    assert run.code == 2
    assert message in run.err
    assert run.err.count("\n") == 1
    assert "\x1b" not in run.err


async def test_a_file_that_is_not_there_and_a_time_that_is_none_are_wrong_use(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.jsonl")
    await publish_cluster(redis_client, even(always(60)), 20)
    await subject("record", file, redis_url=redis_url)
    now = (await subject("replay", file, redis_url=nowhere())).out.split("At ")[1].split()[1]
    hour = (int(now[:2]) + 12) % 24

    missing = await subject("replay", str(tmp_path / "b"), redis_url=nowhere())
    no_time = await subject("replay", file, "--at", "soon", redis_url=nowhere())
    outside = await subject("replay", file, "--at", f"{hour:02}:00:00Z", redis_url=nowhere())
    too_long = await subject("record", str(tmp_path / "c"), "--for", "2h", redis_url=redis_url)

    assert (missing.code, no_time.code, outside.code, too_long.code) == (2, 2, 2, 2)
    assert "No such file" in missing.err
    assert "takes a time of day in UTC" in no_time.err
    assert "--at is outside of what was recorded" in outside.err
    assert "an hour at most" in too_long.err


@pytest.mark.parametrize("at", [0.0, -9e18, 9e18])
async def test_a_record_of_another_time_costs_no_more_than_others(
    redis_client: Redis, redis_url: str, tmp_path: Path, at: float
) -> None:
    file = tmp_path / "a.jsonl"
    await publish_cluster(redis_client, even(always(60)), 60)
    await subject("record", str(file), redis_url=redis_url)
    head, first, *rest = file.read_text().splitlines(keepends=True)
    odd = json.loads(first)
    odd["record"] |= {"at": at, "sequence": 1}
    file.write_text("".join([head, json.dumps(odd, separators=(",", ":")) + "\n", first, *rest]))

    run = await subject("replay", str(file), redis_url=nowhere())

    assert (run.code, run.err) == (0, "")


async def test_a_look_at_no_time_is_wrong_use(redis_client: Redis, redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    await publish_cluster(redis_client, even(always(60)), 20)
    await subject("record", str(file), redis_url=redis_url)
    *rest, look = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*rest, re.sub(r'"at":[0-9.]+', '"at":9e18', look, count=1)]))

    run = await subject("replay", str(file), redis_url=nowhere())

    assert run.code == 2
    assert "a look at a time that no calendar has" in run.err
