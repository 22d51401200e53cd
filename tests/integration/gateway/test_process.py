"""The command: how it starts, what it says, and how it ends."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RosterEntry, decode
from gateway.version import FULL_VERSION
from loadtest.cluster import own_environment
from tests.integration.gateway.client import request, within
from tests.integration.gateway.node import eventually
from tests.integration.gateway.processes import Ended, NodeProcess, node_process, run_to_end, start
from tests.integration.gateway.published import entry
from tests.integration.gateway.upstream import Peer, Upstream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def in_flight(node: NodeProcess, upstream: Upstream) -> None:
    """Wait until the node has one request in flight that the upstream has, so that it has been admitted."""

    async def metrics() -> bytes:
        async with await node.connect_admin() as client:
            return (await client.get_admin(b"/metrics")).body

    await eventually(metrics, lambda text: b"gateway_in_flight 1\n" in text and len(upstream.requests) == 1)


async def test_sigterm_drains_says_farewell_and_ends_with_0(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await release.wait()
        await peer.send(OK)

    upstream.script = script
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url, "NODE_ID": "node-1"}
    async with node_process(tmp_path, **settings) as node, await node.connect() as client:
        await client.send(request())
        await in_flight(node, upstream)
        node.process.send_signal(signal.SIGTERM)
        async with await node.connect_admin() as admin:
            await eventually(lambda: admin.get_admin(b"/readyz"), lambda answer: answer.status == 503)
        release.set()
        assert (await client.answer()).body == b"ok"
        assert await node.ends() == 0
        log = node.log.read_text()

    last = (await entry(redis_client)).last
    assert last.leaving
    assert last.boot.admitted == 1
    assert "Traceback" not in log
    assert "stopping: no new connections" in log
    assert f"; version {FULL_VERSION}\n" in log


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_stops_at_once(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path, first: signal.Signals
) -> None:
    """The node leaves in order all the same, so that nobody takes it for dead."""

    async def script(peer: Peer) -> None:
        await upstream.take(peer)
        await peer.gone()

    upstream.script = script
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url}
    async with node_process(tmp_path, **settings) as node, await node.connect() as client:
        await client.send(request())
        await in_flight(node, upstream)
        node.process.send_signal(first)
        async with await node.connect_admin() as admin:
            await eventually(lambda: admin.get_admin(b"/readyz"), lambda answer: answer.status == 503)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    (only,) = (await redis_client.hgetall(keys.NODES)).values()
    last = decode(RosterEntry, only).last
    assert (last.leaving, last.boot.failed) == (True, 1)
    assert "requests in flight are cut off" in log
    assert "Traceback" not in log
    assert "exception" not in log.lower()


async def test_within_the_delay_it_accepts_and_is_not_ready(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url, "GATEWAY_DRAIN_DELAY": "3600"}
    async with (
        node_process(tmp_path, **settings) as node,
        await node.connect() as kept,
        await node.connect() as unused,
    ):
        assert not (await kept.get()).closes
        node.process.send_signal(signal.SIGTERM)
        async with await node.connect_admin() as admin:
            await eventually(lambda: admin.get_admin(b"/readyz"), lambda answer: answer.status == 503)
        async with await node.connect() as new:
            answers = [await client.get() for client in (kept, unused, new)]
        assert [(answer.status, answer.closes) for answer in answers] == [(200, True)] * 3

        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    assert "stopping: no new connections after 3600 s" in log
    assert "Traceback" not in log


KEYS = (b"sk-one-4f0a71", b"sk-two-9c33d0", b"sk-three-\xe9-77aa01", b"sk four 12bb9f")


@pytest.mark.parametrize("line_format", ["text", "json"])
async def test_no_key_is_in_a_log_in_redis_or_on_the_admin_listener(
    upstream: Upstream, redis_url: str, redis_client: Redis, tmp_path: Path, line_format: str
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = await upstream.take(peer)
            await peer.send(b"nonsense" if head.start_line.startswith(b"POST") else OK)

    upstream.script = script
    settings = {
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "GATEWAY_DEFAULT_LIMIT": "3/h",
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_LOG_FORMAT": line_format,
        "GATEWAY_IDENTITY_SECRET": "is-hidden-61f0a2",
        "REDIS_URL": redis_url,
    }
    seen: list[str] = []
    async with node_process(tmp_path, **settings) as node:
        for key in KEYS:
            async with await node.connect() as client:
                for method in (b"GET", b"POST", b"GET", b"GET"):
                    await client.get(b"/", method=method, key=key)
                await client.get(b"/", b"Authorization: Bearer " + key, key=None)
                await client.send(request(key=key).replace(b"Host", b"Ho st"))
                seen.append(repr(await client.answer()))
        async with await node.connect_admin() as admin:
            await admin.send(b"GET /" + KEYS[0] + b" FOO\r\n\r\n")
            await admin.rest()
        async with await node.connect_admin() as admin:
            for path in (b"/state", b"/metrics"):
                seen.append(repr(await admin.get_admin(path)))
        await eventually(lambda: redis_client.exists(keys.NODES), bool)
        node.process.send_signal(signal.SIGTERM)
        assert await node.ends() == 0
        log = node.log.read_text()

    stored = [f"{name} {await contents(redis_client, name)}" async for name in redis_client.scan_iter()]
    everything = "\n".join([*seen, *stored, log])
    assert "malformed request from 127.0.0.1" in log
    assert "Traceback" not in log
    for fragment in ("4f0a71", "9c33d0", "77aa01", "12bb9f", "is-hidden"):
        assert fragment not in everything
    if line_format == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        assert {"at", "level", "logger", "message"} <= set(lines[0])
        assert {"debug", "info", "warning"} <= {line["level"] for line in lines}


async def contents(redis: Redis, name: str) -> object:
    match await redis.type(name):
        case "hash":
            return await redis.hgetall(name)
        case "stream":
            return await redis.xrange(name)
        case _:
            return await redis.get(name)


async def test_a_reload_that_is_asked_for_before_the_node_can_does_not_end_it(tmp_path: Path) -> None:
    process = await start(
        tmp_path, "--check", stderr=asyncio.subprocess.DEVNULL, GATEWAY_UPSTREAM_URL="http://127.0.0.1:1"
    )
    await eventually(lambda: ignores(process.pid, signal.SIGHUP), bool)
    process.send_signal(signal.SIGHUP)
    await within(process.communicate())

    assert process.returncode == 0


async def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(int(mask, 16) >> (number - 1) & 1)


async def test_what_stops_the_start_is_one_line_that_says_what_to_change(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        url = {"GATEWAY_UPSTREAM_URL": upstream.url, "REDIS_URL": redis_url, "GATEWAY_PORT": "0"}
        expected: dict[tuple[int, str], dict[str, str]] = {
            (3, f"GATEWAY_HOST=127.0.0.1 and GATEWAY_PORT={port}: cannot"): url | {"GATEWAY_PORT": port},
            (3, f"GATEWAY_ADMIN_HOST=127.0.0.1 and GATEWAY_ADMIN_PORT={port}: cannot"): url
            | {"GATEWAY_ADMIN_PORT": port},
            (2, "GATEWAY_CLIENTS_FILE=nowhere.toml: No such file"): url
            | {"GATEWAY_CLIENTS_FILE": "nowhere.toml"},
            (2, "GATEWAY_DEFAULT_LIMIT=lots: 'lots' is not a limit"): url | {"GATEWAY_DEFAULT_LIMIT": "lots"},
        }
        ended = await asyncio.gather(*(run_to_end(tmp_path, **given) for given in expected.values()))

    for (code, words), process in zip(expected, ended, strict=True):
        complaint = the_complaint(process)
        assert (process.code, complaint.count("\n")) == (code, 1), complaint
        assert complaint.startswith("gateway: " + words)


def the_complaint(process: Ended) -> str:
    """What is on stderr beside the log."""
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
    lines = process.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line[:4].isdigit())


async def test_a_dual_stack_host_name_is_listened_on(
    upstream: Upstream, redis_url: str, tmp_path: Path
) -> None:
    settings = {
        "GATEWAY_UPSTREAM_URL": upstream.url,
        "REDIS_URL": redis_url,
        "GATEWAY_HOST": "localhost",
        "GATEWAY_LOG_LEVEL": "warning",
    }
    async with node_process(tmp_path, **settings) as node, await node.connect() as client:
        assert (await client.get()).status == 200
        node.process.send_signal(signal.SIGTERM)
        assert await within(node.ends()) == 0
        assert "stopping" not in node.log.read_text()


async def test_the_process_is_of_the_code_that_is_tested(tmp_path: Path) -> None:
    """From source, or compiled: else the tests of processes would tell of another one."""
    assert await run_to_end(tmp_path, "--version") == Ended(0, f"gateway {FULL_VERSION}\n", "")


@pytest.mark.parametrize(
    ("where", "code", "told"),
    [
        (">/dev/full", 3, "gateway: cannot write the output: No space left on device\n"),
        (">&-", 0, ""),
        ("| head -c 0", 0, ""),
    ],
)
def test_settings_that_nobody_can_read_are_no_fault_of_the_node(
    where: str, code: int, told: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f'"$0" -m gateway --check {where}', sys.executable],
        cwd=tmp_path,
        env={**own_environment(), "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (code, told)
