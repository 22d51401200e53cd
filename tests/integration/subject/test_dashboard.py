"""The dashboard over HTTP: what it tells, and to whom; what it changes, and for whom."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.telemetry import STREAM_FIELD
from loadtest.cluster import Plan, running
from loadtest.redis_server import RedisServer
from subject import settings
from subject.dashboard import app, guard, server, watcher
from tests.integration.gateway.node import eventually
from tests.integration.subject.publishing import (
    audited,
    live_changes,
    nowhere,
    publish_cluster,
    subject_process,
)
from tests.integration.subject.serving import TOKEN, dashboard, events, living, served
from tests.unit.subject.builders import NodeScript, always, even, policies

CLIENT = "k_0123456789abcdef"
FORM = {"client": CLIENT, "limit": "7/m", "for": "", "by": "ana", "why": "a test", "revision": ""}
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
MOST_BYTES = 200_000
MOST_COMMANDS_A_SECOND = 50


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def change(
    http: ClientSession, url: str, name: str, form: Any, **fields: str
) -> tuple[int, dict[str, str]]:
    async with http.post(f"{url}/changes/{name}", json=form, headers={**AUTHORIZED, **fields}) as answer:
        return answer.status, await answer.json()


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


async def test_a_change_is_made_audited_and_shown_with_its_undo(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    nodes = even(always(60))
    async with (
        living(redis_client, nodes, policies().table),
        dashboard(redis_url, token=TOKEN, wait_seconds=0) as url,
        events(http, url) as watching,
    ):
        assert (await watching.next("hello")) == {"writable": True}
        status, told = await change(http, url, "set", FORM)
        live = await live_changes(redis_client)
        # The limits and the audit are read one after the other, and the change may come in between.
        while not ((page := (await watching.next())["page"])["audit"] and page["limits"]["limits"]):
            pass
        undone = await change(
            http, url, "unset", {"client": CLIENT, "by": "ana", "why": "undo", "revision": ""}
        )
        anew = await change(http, url, "reset", {"client": CLIENT, "by": "ana", "why": "again"})

    assert (status, undone[0], anew[0]) == (200, 200, 200)
    assert told["done"].startswith(
        f"{CLIENT} now has 7/m (was 100/m, default); nodes take it over within a second."
    )
    assert live.limits[CLIENT].limit == parse_limits("7/m")
    assert page["audit"][0]["undo"] == {"client": CLIENT, "limit": None, "until": None}
    assert page["limits"]["limits"][0]["client"] == CLIENT
    assert [(one.action, one.by, one.why) for one in await audited(redis_client)] == [
        ("set", "ana (dashboard)", "a test"),
        ("unset", "ana (dashboard)", "undo"),
        ("reset", "ana (dashboard)", "again"),
    ]


async def test_what_was_changed_meanwhile_is_left_as_it_is(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        await change(http, url, "set", {**FORM, "revision": "none"})
        status, answer = await change(http, url, "set", {**FORM, "limit": "8/m", "revision": "none"})
        unset = await change(
            http, url, "unset", {"client": CLIENT, "by": "ana", "why": "x", "revision": "none"}
        )

    assert (status, unset[0]) == (409, 409)
    assert f"{CLIENT} was changed meanwhile: it has 7/m" in answer["problem"]
    assert str((await live_changes(redis_client)).limits[CLIENT].limit) == "7/m"


async def test_a_change_says_on_which_nodes_it_is_in_force(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    plan = Plan(nodes=1, redis_url=redis_url, upstream_url="http://127.0.0.1:9")
    async with running(plan), dashboard(redis_url, token=TOKEN) as url, events(http, url) as watching:
        while not (await watching.next())["page"]["nodes"]:
            pass
        status, told = await change(http, url, "set", FORM)

    assert status == 200, told
    assert re.search(r"; in force on node-1 after [\d.]+ m?s\.$", told["done"])


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({**FORM, "limit": "many"}, "N/period"),
        ({**FORM, "for": "soon"}, "as in 30s, 10m or 2h"),
        ({**FORM, "client": "nobody"}, "no node knows a client nobo"),
        ({**FORM, "why": ""}, "say why"),
        ({**FORM, "by": "x" * 60}, "characters at most"),
        ({"client": CLIENT}, "by, client, for, limit, revision, why"),
        ("garbage", "by, client, for, limit, revision, why"),
    ],
)
async def test_bad_input_is_refused_with_what_would_be_right(
    redis_client: Redis, redis_url: str, http: ClientSession, form: Any, told: str
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        status, answer = await change(http, url, "set", form)

    assert status == 400
    assert told in answer["problem"]
    assert (await audited(redis_client)) == []


async def test_a_change_without_redis_is_refused(http: ClientSession) -> None:
    redis_url = nowhere()
    async with dashboard(redis_url, token=TOKEN) as url:
        status, answer = await change(http, url, "set", FORM)

    assert status == 503
    address = redis_url.removeprefix("redis://").partition("/")[0]
    assert answer["problem"].startswith(f"Redis at {address} does not answer (connection refused)")


async def test_a_long_form_is_refused(redis_url: str, http: ClientSession) -> None:
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        fields = {**AUTHORIZED, "Content-Type": "application/json"}
        async with http.post(f"{url}/changes/set", data=b"[" * 100_000, headers=fields) as long:
            assert long.status == 413
        async with http.post(f"{url}/changes/set", data=b"[" * 8000, headers=fields) as deep:
            assert deep.status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer another-token-of-some-length"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
async def test_whoever_may_not_change_changes_nothing(
    redis_client: Redis, redis_url: str, http: ClientSession, fields: dict[str, str], status: int
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        given = {**AUTHORIZED, "Content-Type": "application/json", **fields}
        async with http.post(f"{url}/changes/set", data=json.dumps(FORM), headers=given) as answer:
            assert answer.status == status
            assert TOKEN not in await answer.text()

    assert not (await live_changes(redis_client)).limits


async def test_without_a_token_it_is_read_only(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url) as url, events(http, url) as watching:
        hello = await watching.next("hello")
        status, answer = await change(http, url, "set", FORM)

    assert hello == {"writable": False}
    assert status == 403
    assert "SUBJECT_TOKEN" in answer["problem"]


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


async def test_who_watches_and_takes_nothing_is_let_go(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(watcher, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(watcher, "REST", 0)
    await publish_cluster(redis_client, even(always(60), nodes=30), 60)
    runner = web.AppRunner(app.application(settings.load(REDIS_URL=redis_url)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def connections() -> list[Any]:
        assert runner.server is not None
        return list(runner.server.connections)

    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(tuple(runner.addresses[0]))
        stalled.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        (held,) = await eventually(connections, len)
        held.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await eventually(connections, lambda those: not those)
        await runner.cleanup()


async def test_more_connections_than_there_may_be_are_closed_and_the_others_go_on(
    redis_client: Redis, redis_url: str, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    await publish_cluster(redis_client, even(always(60)), 60)
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0)) as port:
        async with events(http, f"http://127.0.0.1:{port}") as watching:
            await watching.next()
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, _ = more = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 20) == b""
            assert (await watching.next())["trouble"] == ""
        for _, writer in (*idle, more):
            writer.close()

        async def answered() -> bool:
            try:
                async with http.get(f"http://127.0.0.1:{port}/") as answer:
                    return answer.status == 200
            except ClientError:
                return False

        assert await eventually(answered, bool)


async def test_who_needs_too_long_for_a_request_is_let_go(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


async def test_a_malformed_request_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\nX: y\r\n\r\n"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bad.encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)
        writer.close()

    assert answer.split()[1] == b"400"
    assert TOKEN not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "rest",
    [
        "Content-Length: 50\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
async def test_a_form_that_breaks_off_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture, rest: str
) -> None:
    head = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Content-Type: application/json\r\n{rest}".encode())
        writer.write_eof()
        with suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("key", [TOKEN, "x"])
async def test_a_body_that_is_not_compressed_as_it_says_is_logged_nowhere(
    redis_url: str, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    head = f"POST /changes/set HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    body = "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    async with server.listening(settings.load(REDIS_URL=redis_url, port=0, token=TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Content-Type: application/json\r\n{body}".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert answer.split()[1] in (b"400", b"401")
    assert "Traceback" not in caplog.text


async def test_what_cannot_be_read_is_logged_once(
    redis_client: Redis, redis_url: str, http: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    await redis_client.set(keys.AUDIT, "no stream")
    async with dashboard(redis_url) as url, events(http, url) as watching:
        for _ in range(3):
            await watching.next()

    assert len([one for one in caplog.messages if "cannot be read" in one]) == 1
