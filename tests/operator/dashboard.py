"""What ``subject serve`` costs while somebody watches, and how large its page is."""

import asyncio
import json
from typing import Any

from aiohttp import ClientSession
from redis.asyncio import Redis

from loadtest.bench import vitals
from subject.dashboard import static_files
from tests.finding import Finding, Findings
from tests.integration.subject.serving import Events, Served, events

MOST_PAGE_KILOBYTES = 200.0
MOST_CORE_PERCENT = 5.0
MOST_MEGABYTES = 150.0
MOST_COMMANDS_A_SECOND = 50.0
SETTLING_SECONDS = 20.0
"""From the first frame: by then the last hour is read, and what a start costs is over."""
OF_NODES = {"cmdstat_xadd", "cmdstat_hset", "cmdstat_hdel"}
"""Commands by which nodes write here; a subject that only looks sends none of them."""


async def measure(redis_url: str, serving: Served, seconds: float) -> Findings:
    """Of a subject that one dashboard watches."""
    async with ClientSession() as http:
        page = await _page_bytes(http, serving.url)
        async with events(http, serving.url) as watching:
            first = json.dumps(await watching.next(), separators=(",", ":"))
            taking = asyncio.create_task(_take_all(watching))
            await asyncio.sleep(SETTLING_SECONDS)
            found = await _steady(redis_url, serving.pid, seconds)
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
    sizes = {"": page, ", with the first look and its charts": page + len(first)}
    return [
        *(
            Finding(f"the dashboard's page with all its files{what}", size / 1000, MOST_PAGE_KILOBYTES, " KB")
            for what, size in sizes.items()
        ),
        *found,
    ]


async def _page_bytes(http: ClientSession, url: str) -> int:
    """Of all that a browser asks for, bodies only."""
    size = 0
    for path in static_files.load():
        async with http.get(url + path) as answer:
            answer.raise_for_status()
            size += len(await answer.read())
    return size


async def _take_all(watching: Events) -> None:
    while True:
        await watching.next()


async def _steady(redis_url: str, pid: int, seconds: float) -> Findings:
    async with Redis.from_url(redis_url) as redis:
        commands, spent_ns = await _commands(redis), vitals.cpu_ns([pid])
        await asyncio.sleep(seconds)
        spent_ns = vitals.cpu_ns([pid]) - spent_ns
        commands = await _commands(redis) - commands - 1  # our own
    watched = "the subject with one dashboard open"
    return [
        Finding(f"{watched}: of a core", 100 * spent_ns / 1e9 / seconds, MOST_CORE_PERCENT, " %", 1),
        Finding(f"{watched}: memory", vitals.rss_bytes([pid]) / 1e6, MOST_MEGABYTES, " MB"),
        Finding(f"{watched}: commands to Redis a second", commands / seconds, MOST_COMMANDS_A_SECOND),
    ]


async def _commands(redis: Redis) -> int:
    """That Redis has got from others than nodes."""
    info: dict[str, Any] = await redis.info("commandstats")
    return sum(of["calls"] for name, of in info.items() if name not in OF_NODES)
