"""What nodes write, written to a real Redis, and nodes that answer at /state."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.overrides import Override, Overrides, parse_overrides
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import STREAM_FIELD, AuditRecord, RosterEntry, TelemetryRecord, decode, encode
from loadtest.ports import free_port
from subject import cli
from subject.settings import Settings, load
from subject.telemetry.redis_reads import redis_time
from tests.unit.subject.builders import NodeScript, always, entry, policies

SKEWED = [NodeScript(f"node-{n}", always(rate)) for n, rate in ((1, 12), (2, 96), (3, 12))]


async def publish(
    redis: Redis,
    records: Iterable[TelemetryRecord],
    table: PolicyTable | None = None,
    ended_seconds_ago: float = 0,
) -> list[TelemetryRecord]:
    """Write records as nodes would, the newest `ended_seconds_ago`. Returns them as written."""
    ordered = sorted(records, key=lambda one: one.at)
    later = await redis_time(redis) - ended_seconds_ago - ordered[-1].at
    digest = "0" * 16 if table is None else table.digest()
    written = [replace(one, at=one.at + later, started_at=one.started_at + later) for one in ordered]
    async with redis.pipeline(transaction=False) as pipe:
        for one in written:
            pipe.xadd(keys.TELEMETRY, {STREAM_FIELD: encode(one)})
            pipe.hset(keys.NODES, one.node_id, encode(entry(one, digest)))
        if table is not None:
            pipe.set(keys.policy_table(digest), encode(table))
        await pipe.execute()
    return written


async def publish_cluster(
    redis: Redis, nodes: Sequence[NodeScript], seconds: int, table: PolicyTable | None = None
) -> list[TelemetryRecord]:
    """The same for whole nodes, up to now."""
    return await publish(redis, [one for node in nodes for one in node.records(seconds)], table)


def registered_only() -> PolicyTable:
    """The limits of nodes that refuse unknown keys."""
    table = policies(clients={"acme": "5/s"}).table
    assert table is not None
    return replace(table, unknown_keys="reject")


LATE_SECONDS = 60.0


@asynccontextmanager
async def answering(state: RosterEntry, late: Sequence[bool] = ()) -> AsyncIterator[str]:
    """A node's admin listener that gives `state`, with its own address in it; yields the address.

    `late`: whether its first answers, in order, come later than anybody waits.
    """
    app = web.Application()
    server = TestServer(app)
    lateness = iter(late)

    async def answer(_: web.Request) -> web.Response:
        if next(lateness, False):
            await asyncio.sleep(LATE_SECONDS)
        mine = replace(state, admin_address=f"127.0.0.1:{server.port}")
        return web.Response(text=encode(mine), content_type="application/json")

    app.router.add_get("/state", answer)
    async with server:
        yield f"127.0.0.1:{server.port}"


async def live_changes(redis: Redis) -> Overrides:
    """What stands in the overrides."""
    fields: Any = await redis.hgetall(keys.OVERRIDES)
    return parse_overrides(fields)


async def limit_of(redis: Redis, client: str) -> Override | None:
    """The live limit of a client."""
    return (await live_changes(redis)).limits.get(client)


async def audited(redis: Redis) -> list[AuditRecord]:
    """What stands in the audit."""
    entries: Any = await redis.xrange(keys.AUDIT)
    return [decode(AuditRecord, fields[STREAM_FIELD]) for _, fields in entries]


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str


PATIENT = {"SUBJECT_NODE_DOWN_SECONDS": "60", "SUBJECT_WAIT_SECONDS": "0"}
"""What was written for a test is not to grow stale while a busy machine starts a process, and no node would
say that a change is in force."""


def patient(redis_url: str) -> Settings:
    """Much the same for a subject within this process."""
    return load(REDIS_URL=redis_url, node_down_seconds=30, wait_seconds=0.1)


def environment(redis_url: str, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without the settings of whoever runs the tests."""
    foreign = ("SUBJECT_", "GATEWAY_", "REDIS_URL", "NO_COLOR", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**inherited, **PATIENT, "REDIS_URL": redis_url, **(settings or {})}


async def subject_process(
    *arguments: str, redis_url: str, stdin: str = "", settings: Mapping[str, str] | None = None
) -> Run:
    """``python -m subject``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "subject",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(redis_url, settings),
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
    run = Run(process.returncode or 0, out.decode(), err.decode())
    assert "Traceback" not in run.err
    return run


async def subject(
    *arguments: str, redis_url: str, stdin: str = "", settings: Mapping[str, str] | None = None
) -> Run:
    """The same command line in this process, in a thread with an event loop of its own."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment(redis_url, settings), clear=True),
        patch("sys.stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = await asyncio.to_thread(cli.run, arguments)
    return Run(code, out.getvalue(), err.getvalue())


def nowhere() -> str:
    """A Redis URL that nobody listens on."""
    return f"redis://127.0.0.1:{free_port()}/0"
