"""The load generator as a process."""

import asyncio
import json
import ssl
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from loadtest import cluster, generator, polling, upstream, upstream_log
from loadtest.child import StartError
from loadtest.load import IDLE, Load, Stream
from loadtest.ports import free_port
from tests.certificates import Authority

UNLIMITED = {"GATEWAY_DEFAULT_LIMIT": "1000000/m"}


async def test_it_follows_a_load_that_changes_and_counts_exactly(tmp_path: Path) -> None:
    async with cluster.running(cluster.Plan(nodes=2, node_environment=UNLIMITED)) as behind:
        first = Load((Stream(100.0, ("key-a",), (1, 3)),))
        nodes = [(node.id, node.url) for node in behind.nodes]

        def seen() -> Counter[str]:
            return Counter(json.loads(line)["key"] for line in behind.upstream_log.read_text().splitlines())

        async with generator.running(
            nodes, first, seed=1, environment=cluster.own_environment(), folder=tmp_path
        ) as running:
            assert await polling.until(lambda: seen().total() > 100, 20)
            running.follow(Load((Stream(200.0, ("key-b",)),)))
            assert await polling.until(lambda: len(seen()) == 2, 10)
            running.follow(IDLE)
            await asyncio.sleep(1)
            before = seen()
            await asyncio.sleep(0.5)
            assert seen() == before
            counted = await running.stop()
        passages = list(upstream_log.passages(behind.upstream_log.read_text().splitlines()))
    sent = {node_id: counts.admitted for node_id, counts in counted.nodes.items()}
    assert sum(sent.values()) == before.total()
    assert all(counts.unanswered == counts.failed == 0 for counts in counted.nodes.values())
    assert sent["node-2"] > 1.3 * sent["node-1"]
    assert len(passages) == before.total()
    assert all(0 <= passage.at - passage.sent < 5 for passage in passages)


async def test_a_burst_of_more_than_a_seconds_requests_is_sent_whole(tmp_path: Path) -> None:
    async with cluster.running(cluster.Plan(nodes=1, node_environment=UNLIMITED)) as behind:
        (node,) = behind.nodes
        load = Load((Stream(10.0, ("key-a", "key-b"), burst=20),))
        async with generator.running(
            [(node.id, node.url)], load, seed=1, environment=cluster.own_environment(), folder=tmp_path
        ) as running:
            assert await polling.until(lambda: behind.upstream_log.read_text().count("\n") > 20, 30)
            running.follow(IDLE)
            await asyncio.sleep(1)
            counted = await running.stop()
    assert counted.dropped == 0
    assert counted.nodes["node-1"].admitted % 20 == 0


async def test_somebodys_nodes_are_asked_by_tls_in_their_own_field_and_by_their_names(tmp_path: Path) -> None:
    authority, keys = Authority(tmp_path), Counter[str | None]()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign(host="localhost"))

    async def answer(request: web.BaseRequest) -> web.Response:
        keys[request.headers.get("X-Token")] += 1
        hop = "1.1 cdn, 1.1 node-1" if keys.total() % 2 else "1.1 cdn"
        return web.Response(status=429, headers=[("Via", "1.0 service"), ("Via", hop)])

    runner, port = web.ServerRunner(web.Server(answer)), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    environment = {**cluster.own_environment(), "SSL_CERT_FILE": str(authority.write())}
    try:
        async with generator.running(
            [("node-1", f"https://localhost:{port}")],
            Load((Stream(100.0, ("key-a",)),)),
            seed=1,
            environment=environment,
            folder=tmp_path,
            foreign=generator.Way("/", ("node-1",), "X-Token"),
        ) as running:
            assert await polling.until(lambda: keys.total() > 50, 30)
            counted = await running.stop()
    finally:
        await runner.cleanup()
    counts = counted.nodes["node-1"]
    assert set(keys) == {"key-a"}
    assert counts.started == keys.total() == counts.admitted + counts.refused
    assert 0 <= counts.admitted - counts.refused <= 1  # what names no node is no answer of the service behind
    assert counted.moments["node-1"][-1][1:] == (keys.total(), keys.total())
    assert len(running.answers_file.read_text().splitlines()) == counts.admitted


async def test_a_node_that_is_not_there_counts_as_connection_failures(tmp_path: Path) -> None:
    nodes = [("node-1", f"http://127.0.0.1:{free_port()}")]
    load = Load((Stream(50.0, ("key-a",)),))
    environment = cluster.own_environment()
    async with generator.running(nodes, load, seed=1, environment=environment, folder=tmp_path) as running:
        await running.starts()
        await asyncio.sleep(2)
        counts = (await running.stop()).nodes["node-1"]
    assert counts.connection_failures == counts.started > 0


async def test_locusts_page_shows_the_load_and_who_stops_it_there_ends_the_run(tmp_path: Path) -> None:
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    environment = cluster.own_environment()

    async with upstream.running("127.0.0.1", 0, None) as url, aiohttp.ClientSession() as http:

        async def users() -> int:
            async with http.get(f"{page}/stats/requests") as answer:
                return int((await answer.json())["user_count"])

        async with generator.running(
            [("node-1", url)],
            Load((Stream(100.0, ("key-a",)),)),
            seed=1,
            environment=environment,
            folder=tmp_path,
            web_port=port,
        ) as running:
            await running.starts()
            low = await users()
            running.follow(Load((Stream(200.0, ("key-a",)),)))
            while await users() <= low:
                running.check()
                await asyncio.sleep(0.1)
            async with http.post(f"{page}/stop"):
                pass
            assert await running.child.ends(20)
            with pytest.raises(StartError, match="somebody stopped the load"):
                running.check()


async def test_one_that_ends_by_itself_is_noticed_with_what_it_said(tmp_path: Path) -> None:
    environment = {**cluster.own_environment(), "LOCUST_WEB_PORT": "none"}
    async with generator.running([], IDLE, seed=1, environment=environment, folder=tmp_path) as running:
        running.load_file.write_text("no JSON")
        running.child.process.kill()
        assert await running.child.ends(5)
        with pytest.raises(StartError, match="the load generator ended by itself"):
            running.check()
