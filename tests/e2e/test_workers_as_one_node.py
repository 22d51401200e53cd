"""To the outside several processes are one node: its limits, bounds and counts, and what the subject sees."""

import asyncio
import json
import os
import re
import signal
import ssl
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.overrides import VERSION_FIELD
from gateway.contract.records import Refusal, RosterEntry, Totals, decode
from loadtest.cluster import own_environment
from loadtest.subject_commands import Report, Subject
from tests.certificates import Authority
from tests.e2e.worker_nodes import (
    answers_over_connections,
    node_of,
    says,
    workers_of,
)
from tests.integration.gateway import published
from tests.integration.gateway.client import Client, request
from tests.integration.gateway.node import eventually
from tests.integration.gateway.upstream import Held, Upstream


async def test_limits_and_counts_are_exact_over_all_workers(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with node_of(3, tmp_path, upstream, redis_url, GATEWAY_DEFAULT_LIMIT="123/h") as node:
        statuses = await answers_over_connections(node, connections=40, requests=10)
        async with await node.connect() as client:
            assert (await client.get(key=None)).status == 401
        now = await eventually(node.record, lambda seen: seen.boot.requests == 401)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert statuses == {200: 123, 429: 277}
    assert len(upstream.requests) == 123
    totals = Totals(requests=401, admitted=123, refused=277, unidentified=1)
    assert now.boot == totals
    assert (now.busiest[0].units, now.busiest[0].error, now.most_refused[0].units) == (400, 0, 277)
    assert sum(count for _, count in now.latency) == 123
    assert now.store.decisions + now.store.remembered == 400
    (entry,) = (await redis_client.hgetall(keys.NODES)).values()
    last = decode(RosterEntry, entry).last
    assert (last.leaving, last.boot, last.in_flight) == (True, totals, 0)
    records = await published.records(redis_client)
    assert {each.node_id for each in records} == {"node-1"}
    assert [each.sequence for each in records] == list(range(1, len(records) + 1))
    assert "Traceback" not in log


async def test_connections_are_spread_over_the_workers(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    def descriptors(pid: int) -> int:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only their number counts

    async with node_of(2, tmp_path, upstream, redis_url) as node, AsyncExitStack() as stack:
        pids = workers_of(node)
        before = [descriptors(pid) for pid in pids]
        for _ in range(200):
            await stack.enter_async_context(await node.connect())

        async def accepted() -> list[int]:
            return [descriptors(pid) - had for pid, had in zip(pids, before, strict=True)]

        shares = await eventually(accepted, lambda counts: sum(counts) >= 200)

    assert min(shares) > 60, shares


async def test_all_serve_by_tls_and_take_a_new_certificate(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    old, new = Authority(tmp_path), Authority(tmp_path)
    certificate, key = old.sign()
    files = {"GATEWAY_TLS_CERT": str(certificate), "GATEWAY_TLS_KEY": str(key)}
    async with node_of(2, tmp_path, upstream, redis_url, None, **files) as node:

        async def trusted(by: Authority) -> int:
            taken = 0
            for _ in range(12):
                with suppress(ssl.SSLError):
                    async with await Client.connect(node.port, by.client()) as client:
                        taken += (await client.get()).status == 200
            return taken

        assert (await trusted(old), await trusted(new)) == (12, 0)
        new.sign(days=(-1, 50.5))
        node.process.send_signal(signal.SIGHUP)
        await eventually(lambda: trusted(new), lambda taken: taken == 12)
        async with await node.connect_admin() as admin:
            page = (await admin.get_admin(b"/metrics")).body.decode()
        expires_at = re.search(r"^gateway_certificate_expiry_timestamp_seconds (\S+)$", page, re.MULTILINE)
        assert expires_at is not None
        assert 50 < (float(expires_at[1]) - time.time()) / 86400 < 51


async def test_without_redis_the_workers_together_let_through_what_one_process_would(
    upstream: Upstream, tmp_path: Path
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    async with node_of(2, tmp_path, upstream, nowhere, GATEWAY_DEFAULT_LIMIT="40/h") as node:
        statuses = await answers_over_connections(node, connections=60, requests=5)

    assert statuses == {200: 40, 429: 260}
    assert len(upstream.requests) == 40


async def test_connections_are_bounded_for_the_node(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    upstream.script = held = Held(upstream)
    bound = {"GATEWAY_MAX_CONNECTIONS": "20"}
    async with node_of(3, tmp_path, upstream, redis_url, None, **bound) as node, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(20)]
        for client in clients:
            await client.send(request())
        await eventually(node.record, lambda seen: seen.in_flight == 20)
        for _ in range(10):
            async with await node.connect() as one_too_many:
                assert (await one_too_many.answer()).status == 503

        held.go.set()
        assert {(await client.answer()).status for client in clients} == {200}


async def test_concurrency_is_bounded_for_the_node_also_when_a_worker_has_been_killed(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    upstream.script = held = Held(upstream)
    bound = {"GATEWAY_DEFAULT_CONCURRENCY": "12"}
    async with node_of(3, tmp_path, upstream, redis_url, None, **bound) as node:
        for kills in (1, 2):
            before = len(upstream.requests)

            async def arrived(before: int = before) -> int:
                return len(upstream.requests) - before

            async with AsyncExitStack() as stack:
                for _ in range(12):
                    client = await stack.enter_async_context(await node.connect())
                    await client.send(request())
                await eventually(arrived, lambda number: number == 12)
                for _ in range(10):
                    async with await node.connect() as one_too_many:
                        assert (await one_too_many.get()).status == 429
                os.kill(workers_of(node)[0], signal.SIGKILL)
            held.go.set()
            await says(node, " serves\n", kills)
            await eventually(node.record, lambda seen: seen.in_flight == 0)
            held.go.clear()


def all_of(descriptor: int) -> bytes:
    """What comes of a pipe."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()


async def test_lines_of_the_log_are_whole_whoever_writes_them(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    """A pipe that is nearly full takes a part of what one writes, and then a part of what another does."""
    settings = {"GATEWAY_LOG_FORMAT": "json", "GATEWAY_ACCESS_LOG": "1"}
    target = b"/" + b"x" * 1000
    reading, writing = os.pipe()
    async with node_of(3, tmp_path, upstream, redis_url, writing, **settings) as node:
        os.close(writing)
        await answers_over_connections(node, connections=60, requests=20, target=target)
        await eventually(node.record, lambda seen: seen.boot.requests == 1200)
        everything = asyncio.create_task(asyncio.to_thread(all_of, reading))
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0

    logged = [json.loads(line) for line in (await everything).splitlines()]
    workers = Counter(line["worker"] for line in logged if line.get("path") == target.decode())
    assert workers.total() == 1200
    assert workers.keys() == {1, 2, 3}


async def test_the_subject_sees_one_node_that_is_well_also_when_a_worker_was_started_again(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with node_of(2, tmp_path, upstream, redis_url) as node:
        await answers_over_connections(node, connections=20, requests=5)
        subject = Subject({**own_environment(), "REDIS_URL": redis_url}, tmp_path)
        await eventually(node.record, lambda seen: seen.boot.requests == 100)
        for times in (1, 2, 3):
            os.kill(workers_of(node)[0], signal.SIGKILL)
            await says(node, " serves\n", times)
        await answers_over_connections(node, connections=20, requests=5)
        now = await eventually(node.record, lambda seen: seen.boot.requests == 200)
        records = await published.records(redis_client)
        await eventually(lambda: published.records(redis_client), lambda later: len(later) > len(records) + 1)

        assert await subject.node_totals() == {"node-1": now.boot}
        report = await subject.ask(Report, "diagnose")

    assert report.findings == ()
    assert len({each.boot_id for each in records}) == 1


async def test_a_refusal_by_any_worker_is_told_and_a_change_counts_when_all_have_it(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    async with (
        node_of(2, tmp_path, upstream, redis_url, GATEWAY_DEFAULT_LIMIT="1/h") as node,
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(8)]
        refused = [answer for client in clients if (answer := await client.get()).status == 429]
        assert len(refused) == 7
        admin = await stack.enter_async_context(await node.connect_admin())
        for answer in refused:
            path = b"/refusals/" + (answer.value("X-Request-Id") or b"")
            told = await eventually(lambda path=path: admin.get_admin(path), lambda told: told.status == 200)  # type: ignore[misc] # bound at once
            assert decode(Refusal, told.body).request_id.encode() == answer.value("X-Request-Id")
        version = await redis_client.hincrby(keys.OVERRIDES, VERSION_FIELD, 1)
        now = await eventually(node.record, lambda seen: seen.overrides.version == version)
        assert now.overrides.taken_at is not None
