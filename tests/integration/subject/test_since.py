"""What was wrong in the last minutes, by what stands in a real Redis."""

import json

from redis.asyncio import Redis

from tests.integration.subject.publishing import nowhere, publish_cluster, subject
from tests.unit.subject.builders import always, even, policies, steps

BURST = steps((0, 20), (100, 200), (120, 20))
QUICK = {"SUBJECT_NODE_DOWN_SECONDS": "2.5"}


async def test_an_anomaly_that_is_over_is_found(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(BURST), 200, policies().table)

    now = await subject("diagnose", redis_url=redis_url)
    back = await subject("diagnose", "--since", "3m", redis_url=redis_url)
    document = json.loads((await subject("diagnose", "--since", "3m", "--json", redis_url=redis_url)).out)

    assert (now.code, back.code, back.err) == (0, 1, "")
    assert "spike_broad" in back.out
    (spike,) = [one for one in document["episodes"] if one["code"] == "spike_broad"]
    assert 15 < spike["until"] - spike["since"] < 30
    assert 70 < document["at"] - spike["until"] < 90


async def test_a_calm_time_is_exit_0(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    run = await subject("diagnose", "--since", "1m", redis_url=redis_url)

    assert (run.code, run.out.startswith("Nothing was found from ")) == (0, True)


async def test_it_goes_back_as_far_as_records_are_kept(redis_client: Redis, redis_url: str) -> None:
    too_far = await subject("diagnose", "--since", "11m", redis_url=redis_url)
    no_time = await subject("diagnose", "--since", "soon", redis_url=redis_url)
    both = await subject("diagnose", "--since", "1m", "--explain", "node_down", redis_url=redis_url)
    away = await subject("diagnose", "--since", "1m", redis_url=nowhere())

    assert (too_far.code, "goes back 10m at most" in too_far.err) == (2, True)
    assert (no_time.code, "is no duration" in no_time.err) == (2, True)
    assert (both.code, "not allowed with argument" in both.err) == (2, True)
    assert (away.code, away.out) == (3, "")


async def test_a_code_is_explained_without_redis() -> None:
    text = await subject("diagnose", "--explain", "node_skew", redis_url=nowhere())
    document = json.loads(
        (await subject("diagnose", "--explain", "hot_key", "--json", redis_url=nowhere())).out
    )
    unknown = await subject("diagnose", "--explain", "toothache", redis_url=nowhere())

    assert (text.code, text.err) == (0, "")
    assert "In force here: SUBJECT_SKEW_SECONDS=10" in text.out
    assert document["code"] == "hot_key"
    assert (unknown.code, "codes: " in unknown.err) == (2, True)


async def test_completion_needs_neither_settings_nor_redis() -> None:
    run = await subject("completion", "bash", redis_url="nonsense")
    other = await subject("completion", "csh", redis_url="nonsense")

    assert (run.code, "complete -F _subject subject" in run.out) == (0, True)
    assert (other.code, "bash, zsh, fish" in other.err) == (2, True)
