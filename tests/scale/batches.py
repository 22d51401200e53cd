"""What a hot key costs Redis: the commands of each pipeline that three nodes send, as Redis sees them."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.limiter.decision import Hit, admits
from gateway.limiter.limiter import Limiter
from loadtest import redis_server
from tests.decided import decided
from tests.integration.gateway.limiter.node import limiter_node

NODES = 3
REQUESTS_PER_SECOND = 5000
MOST_COMMANDS = {windows: 2 + 6 * windows for windows in range(1, 9)}
"""By windows: TIME twice, and for each HINCRBY, a read, PEXPIRE, refunds of two sub-intervals, and HDEL."""

_TURN_SECONDS = 0.002
_THE_END = b"the-end-of-monitoring"
_LINE = re.compile(rb'\+[\d.]+ \[\d+ ([^\]]+)\] "(\w+)"')


@dataclass
class Traffic:
    """Pipelines that carried questions, by their number of commands, and the others'."""

    requests: int = 0
    admitted: int = 0
    deciding: Counter[int] = field(default_factory=Counter)
    other: Counter[int] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)

    @property
    def most(self) -> int:
        """Commands in the longest pipeline."""
        return max(self.deciding | self.other)

    @property
    def mean(self) -> float:
        """Commands in a pipeline with questions."""
        return sum(size * many for size, many in self.deciding.items()) / self.deciding.total()

    @property
    def commands_per_request(self) -> float:
        """All commands, of other pipelines too."""
        return self.by_name.total() / self.requests

    def read(self, monitored: bytes) -> None:
        """Take what MONITOR told. A pipeline begins and ends with TIME."""
        open_by_connection: dict[bytes, list[str]] = {}
        for line in monitored.split(b"\r\n"):
            if (match := _LINE.match(line)) is None:
                continue
            connection, name = match[1], match[2].decode()
            pipeline = open_by_connection.setdefault(connection, [])
            if not pipeline and name != "TIME":
                continue  # whoever tells the end of the monitoring
            self.by_name[name] += 1
            pipeline.append(name)
            if name == "TIME" and len(pipeline) > 1:
                asks = {"HGETALL", "HMGET"} & set(pipeline)
                (self.deciding if asks else self.other)[len(pipeline)] += 1
                pipeline.clear()
        assert not any(open_by_connection.values()), "a pipeline without its end"


@asynccontextmanager
async def _monitoring(port: int) -> AsyncIterator[bytearray]:
    """What MONITOR tells, complete when the context has ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told, ended = bytearray(), asyncio.Event()
    writer.write(b"MONITOR\r\n")
    await reader.readline()

    async def listen() -> None:
        while data := await reader.read(1 << 20):
            told.extend(data)
            if _THE_END in told[-len(data) - len(_THE_END) :]:
                ended.set()

    listening = asyncio.create_task(listen())
    try:
        yield told
        _, ending = await asyncio.open_connection("127.0.0.1", port)
        ending.write(b"ECHO %b\r\n" % _THE_END)
        await ended.wait()
        ending.close()
    finally:
        listening.cancel()
        writer.close()


async def measure(limits: Sequence[Limit], seconds: float) -> Traffic:
    """Three nodes share `REQUESTS_PER_SECOND` of one client with these windows."""
    hits = [Hit(keys.window("hot", keys.CLIENT_SCOPE, limit.period_seconds, 0), limit) for limit in limits]
    traffic = Traffic()
    async with AsyncExitStack() as stack:
        server = stack.enter_context(redis_server.running())
        nodes = [await stack.enter_async_context(limiter_node(server.url)) for _ in range(NODES)]
        async with _monitoring(server.port) as told:
            await asyncio.gather(
                *(
                    _hammer(node.limiter, hits, REQUESTS_PER_SECOND / NODES, seconds, traffic)
                    for node in nodes
                )
            )
            for node in nodes:
                await node.store.finish()
    traffic.read(bytes(told))
    return traffic


async def _hammer(
    limiter: Limiter, hits: Sequence[Hit], per_second: float, seconds: float, traffic: Traffic
) -> None:
    """At a rate, in small groups, and without waiting for the answers; what is late is sent all the same."""

    async def decide() -> None:
        statuses = await decided(limiter, hits)
        assert statuses is not None
        traffic.requests += 1
        traffic.admitted += admits(hits, statuses)

    started, sent, whole = monotonic(), 0, int(seconds * per_second)
    async with asyncio.TaskGroup() as group:
        while sent < whole:
            due = min(whole, int((monotonic() - started) * per_second))
            for _ in range(due - sent):
                group.create_task(decide())
            sent = due
            await asyncio.sleep(_TURN_SECONDS)
