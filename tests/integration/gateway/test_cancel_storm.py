"""Clients that go away while they are being decided leave nothing: no task, no connection, no count."""

import asyncio
import gc
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import TelemetryRecord
from gateway.limiter.batch import PendingCheck
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.transaction import Transaction
from gateway.proxy.upstream_connection import UpstreamConnection
from loadtest import delay_proxy, redis_server
from tests.integration.gateway.client import request
from tests.integration.gateway.limiter.node import hanging, standing_units
from tests.integration.gateway.node import Node, eventually
from tests.integration.gateway.upstream import Peer, Upstream
from tests.living import living

StartNode = Callable[..., Awaitable[Node]]

CLIENTS = {"wide": "1000000/h", "narrow": "300/h", "crowded": "1000000/h"}
"""Limits by name; a name is its client's key as well."""

PLACES = 3
"""That `crowded` has for requests in flight."""

WAVE = 100
RESET = struct.pack("ii", 1, 0)  # lingering for no time: closing sends a reset


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    path = tmp_path / "clients.toml"
    entries = [
        f'[[clients]]\nname = "{name}"\nkey = "{name}"\nlimit = "{CLIENTS[name]}"\n' for name in CLIENTS
    ]
    path.write_text("".join(entries) + f"concurrency = {PLACES}\n")
    return path


class Silent:
    """An upstream that takes requests and does not answer."""

    def __init__(self) -> None:
        self.arrived = Counter[str]()

    async def __call__(self, peer: Peer) -> None:
        (key,) = (await peer.head()).values("X-API-Key")
        self.arrived[key.decode()] += 1
        await peer.gone()


class Storm:
    """Sends requests, and leaves."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._chance = random.Random(1)

    async def waves(self, count: int, seconds: float) -> None:
        """In each, all come at once, and leave within these seconds, by a reset or in order."""
        for _ in range(count):
            staying = [await self._come() for _ in range(WAVE)]
            self._chance.shuffle(staying)
            for leaving in range(0, WAVE, 10):
                for client in staying[leaving : leaving + 10]:
                    if self._chance.random() < 0.5:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    client.close()
                await asyncio.sleep(seconds * 10 / WAVE)

    async def _come(self) -> socket.socket:
        client = socket.socket()
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self._port))
        client.send(request(key=self._chance.choice(list(CLIENTS)).encode()))
        return client


def leftovers() -> Counter[str]:
    """What requests may leave in this process, which is the node's and the upstream's."""
    gc.collect()
    kinds: tuple[type[object], ...] = (PendingCheck, ClientConnection, Transaction, UpstreamConnection)
    found = Counter(type(each).__name__ for each in living(*kinds))
    return found | Counter(descriptors=len(list(Path("/dev/fd").iterdir())), tasks=len(asyncio.all_tasks()))


async def nothing_more_than(before: Counter[str]) -> None:
    """Wait until nothing is left that was not there."""

    async def more() -> Counter[str]:
        return leftovers() - before

    await eventually(more, lambda more: not more)


async def counted(redis: Redis) -> dict[str, int]:
    """The units that stand in each client's window."""
    names = {name: keys.window(name, keys.CLIENT_SCOPE, 3600, 0) for name in CLIENTS}
    return {name: await standing_units(redis, key) for name, key in names.items()}


async def rest_of(node: Node, client: str) -> int:
    """How many more are admitted, one after the other."""
    admitted = 0
    async with await node.connect() as ordinary:
        while (await ordinary.get(key=client.encode())).status == 200:
            admitted += 1
    return admitted


async def places_of(node: Node, silent: Silent) -> tuple[int, int]:
    """Of one more than `crowded` has places, how many arrive upstream, and how many are refused."""
    async with AsyncExitStack() as stack:
        arrived = silent.arrived["crowded"]
        clients = [await stack.enter_async_context(await node.connect()) for _ in range(PLACES + 1)]
        for client in clients:
            await client.send(request(key=b"crowded"))
        answers = [asyncio.create_task(client.answer()) for client in clients]
        (refused,), _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().status == 429
        for answer in answers:
            answer.cancel()

        async def passed() -> int:
            return silent.arrived["crowded"] - arrived

        return await eventually(passed, lambda passed: passed == PLACES), 1


async def settled(node: Node, redis: Redis) -> TelemetryRecord:
    """The node's counters, as soon as nothing is in flight and Redis has what was admitted.

    It has no more than that, but for what was under way on a connection that was lost.
    """
    record = await node.settled()

    async def surplus() -> int:
        return sum((await counted(redis)).values()) - record.boot.admitted

    await eventually(surplus, lambda surplus: 0 <= surplus <= record.store.uncertain)
    return record


@asynccontextmanager
async def now_and_then_hanging(pid: int) -> AsyncIterator[None]:
    """A server that is away for longer than a decision waits, and for less long than a connection is kept."""

    async def hang() -> None:
        while True:
            await asyncio.sleep(0.1)
            with hanging(pid):
                await asyncio.sleep(0.2)

    task = asyncio.create_task(hang())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_three_thousand_clients_that_leave_while_they_are_decided_leave_nothing(
    start_node: StartNode, upstream: Upstream, redis_url: str, redis_client: Redis, clients_file: Path
) -> None:
    answering, silent = upstream.script, Silent()
    upstream.script = silent
    async with delay_proxy.running("127.0.0.1", urlsplit(redis_url).port or 0) as slow:
        node = await start_node(
            redis_url=f"redis://127.0.0.1:{slow.port}/0", clients_file=clients_file, store_deadline=2.0
        )
        before = leftovers()
        storm = Storm(node.port)
        await storm.waves(6, 0.0)
        slow.delay_seconds = 0.03
        await storm.waves(12, 0.03)  # most leave before their decision, or as it comes
        slow.delay_seconds = 0.005
        await storm.waves(12, 0.06)  # many leave after it, while the upstream is silent
        slow.delay_seconds = 0.0

        record = await settled(node, redis_client)
        totals, units = record.boot, await counted(redis_client)
        assert totals.requests == totals.admitted + totals.refused
        assert (record.store.fallbacks, record.store.uncertain) == (0, 0)
        assert all(0 < silent.arrived[name] <= units[name] for name in CLIENTS)
        assert units["narrow"] <= 300
        await nothing_more_than(before)
        assert await places_of(node, silent) == (PLACES, 1)
        upstream.script = answering
        assert await rest_of(node, "narrow") == 300 - units["narrow"]
        await node.shut_down()


async def test_clients_that_leave_while_redis_is_late_leave_the_books_in_order(
    start_node: StartNode, upstream: Upstream, clients_file: Path
) -> None:
    """The node goes on by itself meanwhile; afterwards Redis has what was admitted by either, once."""
    upstream.script = Silent()
    with redis_server.running() as server:
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            node = await start_node(redis_url=server.url, clients_file=clients_file, store_deadline=0.05)
            before = leftovers() + Counter(descriptors=2)  # to Redis, where two tasks wait for it at a time
            storm = Storm(node.port)
            async with now_and_then_hanging(server.pid):
                await storm.waves(20, 0.05)
            await eventually(node.record, lambda record: record.store.connected)

            record = await settled(node, redis)
            assert record.store.fallbacks > 0
            assert record.store.decisions > 0
            await nothing_more_than(before)
            await node.shut_down()
