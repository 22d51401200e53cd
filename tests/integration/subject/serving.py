"""The dashboard, served in this process or as one of its own, and nodes that go on writing."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientResponse, ClientSession, web
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.policy_table import PolicyTable
from gateway.contract.records import HISTORY_STREAM, STREAM_FIELD, encode, for_history
from subject import settings
from subject.dashboard.app import application
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.publishing import environment
from tests.unit.subject.builders import NodeScript, entry

TOKEN = "a-token-of-some-length"


@asynccontextmanager
async def dashboard(redis_url: str, **given: object) -> AsyncIterator[str]:
    """Its URL; it runs in this process."""
    runner = web.AppRunner(application(settings.load(REDIS_URL=redis_url, **given)), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Served:
    """``subject serve`` as a process, which can be stopped and started again on its port."""

    def __init__(self, redis_url: str, given: Mapping[str, str]) -> None:
        self._environment = environment(redis_url, {"SUBJECT_PORT": "0", **given})
        self.url = ""

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", "serve"),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode()
        self.url = line.partition("http://")[2].partition("/")[0]
        assert self.url, line
        self._environment["SUBJECT_PORT"] = self.url.rpartition(":")[2]
        self.url = f"http://{self.url}"

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), 10)

    async def kill(self) -> None:
        """SIGKILL, if it is still there."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def served(redis_url: str, **given: str) -> AsyncIterator[Served]:
    """A process that serves."""
    process = Served(redis_url, given)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


@asynccontextmanager
async def events(session: ClientSession, url: str) -> AsyncIterator["Events"]:
    """What the dashboard tells one who watches."""
    async with session.get(f"{url}/events") as response:
        assert response.status == 200
        yield Events(response)


class Events:
    """Server-sent events, read one by one."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self, name: str = "frame") -> Any:
        """The next one of this name."""
        while True:
            fields: dict[str, str] = {}
            while (
                line := (await asyncio.wait_for(self._response.content.readline(), 20)).decode().rstrip("\n")
            ):
                field, _, text = line.partition(": ")
                fields[field] = text
            assert fields, "the events have ended"
            if fields.get("event") == name:
                return json.loads(fields["data"])


@asynccontextmanager
async def living(
    redis: Redis, nodes: Sequence[NodeScript], table: PolicyTable | None = None, past_seconds: int = 60
) -> AsyncIterator[None]:
    """Nodes that have written for so many seconds, and go on, a record each second, as their scripts say."""
    began = await redis_time(redis)
    more = 180
    records = sorted(
        (one for node in nodes for one in node.records(past_seconds + more)), key=lambda one: one.at
    )
    first = records[0].at
    shifted = [
        replace(one, at=one.at - first + began - past_seconds, started_at=began - past_seconds - 1)
        for one in records
    ]
    digest = "0" * 16 if table is None else table.digest()
    if table is not None:
        await redis.set(keys.policy_table(digest), encode(table))

    async def write(until: float) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            while shifted and shifted[0].at <= until:
                one = shifted.pop(0)
                pipe.xadd(keys.TELEMETRY, {STREAM_FIELD: encode(one)})
                if one.sequence % HISTORY_STREAM.interval_seconds == 0:
                    pipe.xadd(keys.HISTORY, {STREAM_FIELD: encode(for_history(one))})
                pipe.hset(keys.NODES, one.node_id, encode(entry(one, digest)))
            await pipe.execute()

    ended = asyncio.Event()

    async def go_on() -> None:
        while shifted and not ended.is_set():
            await asyncio.sleep(0.2)
            await write(await redis_time(redis))

    await write(began)
    writing = asyncio.create_task(go_on())
    try:
        yield
    finally:
        ended.set()  # a cancellation may be lost in redis-py
        await asyncio.gather(writing, return_exceptions=True)
