"""The dashboard over HTTP: what it tells, and to whom."""

import asyncio
import os
import signal
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import STREAM_FIELD
from loadtest.redis_server import RedisServer
from subject.dashboard import guard
from tests.integration.subject.publishing import nowhere, publish_cluster, subject_process
from tests.integration.subject.serving import dashboard, events, living, served
from tests.unit.subject.builders import NodeScript, always, even, policies

MOST_BYTES = 200_000
MOST_COMMANDS_A_SECOND = 50


async def test_who_watches_is_told_all_at_first_and_then_what_is_new(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    nodes = even(always(60))
    async with (
        living(redis_client, nodes, policies().table),
        dashboard(redis_url) as url,
        events(http, url) as watching,
    ):
        first, second, third = [await watching.next() for _ in range(3)]

    assert first["page"]["headline"] == "Healthy: nothing was found."
    assert len(first["chart"]["nodes"]["node-1"]["rate"]) > 50
    assert second["chart"]["start"] == first["chart"]["until"]
    assert third["chart"]["start"] == second["chart"]["until"]
    assert len(third["chart"]["nodes"]["node-1"]["rate"]) <= 3


async def test_the_last_hour_comes_from_the_history(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    async with living(redis_client, even(always(60)), past_seconds=100), dashboard(redis_url) as url:
        async with events(http, url) as watching:
            for _ in range(2):
                await watching.next()
        async with http.get(f"{url}/history") as answer:
            hour = await answer.json()

    assert hour["step"] == 10
    assert hour["until"] - hour["start"] in (3590, 3600)
    rates = [rate for rate in hour["nodes"]["node-1"]["rate"] if rate is not None]
    assert len(rates) >= 8
    assert set(rates[1:-1]) == {20.0}


async def test_garbage_in_streams_and_keys_of_another_type_stop_nothing(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    await redis_client.xadd(keys.HISTORY, {STREAM_FIELD: "garbage"})
    await redis_client.set(keys.AUDIT, "no stream")

    async with dashboard(redis_url) as url, events(http, url) as watching:
        frames = [await watching.next() for _ in range(2)]

    assert [frame["trouble"] for frame in frames] == ["", ""]


async def test_with_redis_away_it_says_so_and_is_blind_where_no_node_answers(http: ClientSession) -> None:
    async with dashboard(nowhere()) as url, events(http, url) as watching:
        frame = await watching.next()

    assert frame["page"]["blind"]
    assert not frame["page"]["healthy"]
    assert "observer_blind" in [problem["code"] for problem in frame["page"]["problems"]]


async def test_it_goes_on_where_redis_comes_back(
    own_redis: RedisServer, own_client: Redis, http: ClientSession
) -> None:
    await publish_cluster(own_client, even(always(60)), 60)
    async with dashboard(own_redis.url) as url, events(http, url) as watching:
        assert (await watching.next())["page"]["limits_known"]
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            while (await watching.next())["page"]["limits_known"]:
                pass
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        while not (frame := await watching.next())["page"]["limits_known"]:
            pass

    assert frame["trouble"] == ""


@pytest.mark.parametrize("path", ["/", "/history", "/static/main.js", "/nowhere", "/changes/set"])
async def test_every_answer_says_what_a_browser_may_do_with_it(
    redis_url: str, http: ClientSession, path: str
) -> None:
    async with dashboard(redis_url) as url, http.get(url + path) as answer:
        assert {name: answer.headers[name] for name in guard.HEADERS} == guard.HEADERS


@pytest.mark.parametrize(
    "path", ["/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/index.html"]
)
async def test_no_other_file_is_given(redis_url: str, http: ClientSession, path: str) -> None:
    async with dashboard(redis_url) as url, http.get(url + path) as answer:
        assert answer.status == 404


async def test_the_page_is_small_and_asks_nobody_else(redis_url: str, http: ClientSession) -> None:
    async with dashboard(redis_url) as url:
        async with http.get(url) as answer:
            page = await answer.text()
        parts = [part.partition('"')[0] for mark in ('src="', 'href="/') for part in page.split(mark)[1:]]
        modules = ("dom", "words", "problems", "charts", "tables", "changes")
        paths = {f"/{part.lstrip('/')}" for part in parts} | {f"/static/{name}.js" for name in modules}
        sizes = []
        for path in paths:
            async with http.get(url + path) as answer:
                assert answer.status == 200, path
                sizes.append(len(await answer.read()))
                tag = answer.headers["ETag"]
            async with http.get(url + path, headers={"If-None-Match": tag}) as again:
                assert again.status == 304

    assert "http" not in page
    assert sum(sizes) + len(page) < MOST_BYTES


async def test_one_reader_serves_all_who_watch(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    clients = {f"k_{number:016x}": always(3) for number in range(20)}
    async with (
        living(redis_client, even(always(60), clients=clients), policies().table),
        dashboard(redis_url) as url,
        events(http, url) as one,
        events(http, url) as two,
        events(http, url) as three,
    ):
        for watching in (one, two, three):
            await watching.next()
        await redis_client.config_resetstat()
        at = [(await watching.next())["page"]["at"] for watching in (one, two, three) for _ in range(4)]
        info: dict[str, Any] = await redis_client.info("commandstats")

    seconds = at[-1] - at[0] + 2
    of_the_nodes = {"cmdstat_xadd", "cmdstat_hset", "cmdstat_config|resetstat", "cmdstat_info"}
    asked = sum(of["calls"] for name, of in info.items() if name not in of_the_nodes)
    assert asked / seconds < MOST_COMMANDS_A_SECOND


async def test_a_failure_of_its_own_is_told_and_not_lasting(
    redis_client: Redis, redis_url: str, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)

    def failing(*_: object) -> None:
        raise ZeroDivisionError

    async with dashboard(redis_url) as url, events(http, url) as watching:
        assert (await watching.next())["trouble"] == ""
        with monkeypatch.context() as patch:
            patch.setattr("subject.dashboard.watcher.diagnose", failing)
            while not (failed := await watching.next())["trouble"]:
                pass
        while (frame := await watching.next())["trouble"]:
            pass

    assert failed["page"] is None
    assert "ZeroDivisionError" in failed["trouble"]
    assert frame["page"]["nodes"]


async def test_it_ends_at_sigterm_though_somebody_watches(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, [NodeScript("node-1", always(30))], 60)
    async with served(redis_url) as process, events(http, process.url) as watching:
        await watching.next()
        async with asyncio.timeout(5):
            assert await process.stop() == 0


async def test_a_port_that_is_taken_is_one_line(redis_url: str) -> None:
    async with dashboard(redis_url) as url:
        run = await subject_process(
            "serve", redis_url=redis_url, settings={"SUBJECT_PORT": url.rpartition(":")[2]}
        )

    assert run.code == 3
    assert run.err.startswith("subject: cannot listen on 127.0.0.1:")
    assert run.err.count("\n") == 1


async def test_prometheus_gets_the_last_look(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    async with (
        living(redis_client, even(always(60)), policies().table),
        dashboard(redis_url) as url,
        events(http, url) as watching,
    ):
        await watching.next()
        async with http.get(f"{url}/metrics") as answer:
            text = await answer.text()
        async with http.get(f"{url}/metrics", headers={"Host": "elsewhere.example"}) as refused:
            assert refused.status == 421

    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert [sample.value for sample in families["subject_sees"].samples] == [1]
    assert {sample.labels["node"] for sample in families["subject_node_up"].samples} == {
        "node-1",
        "node-2",
        "node-3",
    }
    assert families["subject_node_requests"].type == "counter"


async def test_what_cannot_be_read_is_logged_once(
    redis_client: Redis, redis_url: str, http: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    await redis_client.set(keys.AUDIT, "no stream")
    async with dashboard(redis_url) as url, events(http, url) as watching:
        for _ in range(3):
            await watching.next()

    assert len([one for one in caplog.messages if "cannot be read" in one]) == 1
