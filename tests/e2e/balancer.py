"""Clients behind a load balancer: it asks the nodes which are ready, and repeats nothing that was sent."""

import asyncio
import select
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

from loadtest.polling import until
from tests.integration.gateway.client import Answer, Client

POLL_SECONDS = 0.05
BEHIND_SECONDS = 1.0
"""A client that is later than this sends less often, instead of all at once."""

PATIENCE_SECONDS = 60.0


@dataclass
class Backend:
    """A node as the balancer knows it."""

    port: int
    admin_port: int
    is_ready: bool = False
    answered: int = 0
    in_flight: set[bytes] = field(default_factory=set)
    connections: dict[int, Client] = field(default_factory=dict)

    async def watch(self) -> None:
        """Learn from its `/readyz` whether it wants requests."""
        while True:
            try:
                async with await Client.connect(self.admin_port) as admin:
                    while True:
                        self.is_ready = (await admin.get_admin(b"/readyz")).status == 200
                        await asyncio.sleep(POLL_SECONDS)
            except (OSError, asyncio.IncompleteReadError):
                self.is_ready = False
                await asyncio.sleep(POLL_SECONDS)

    async def connection(self, of: int) -> Client:
        """A client's connection, kept or new.

        Raises:
            OSError: there is none.
        """
        if of in self.connections and is_over(self.connections[of]):
            self.drop(of)
        if of not in self.connections:
            self.connections[of] = await Client.connect(self.port)
            if is_over(self.connections[of]):
                raise ConnectionError
        return self.connections[of]

    def drop(self, of: int) -> None:
        """Close a client's connection, if it has one."""
        if of in self.connections:
            self.connections.pop(of).writer.close()

    @property
    def is_seen_dead(self) -> bool:
        """Whether all its connections have ended."""
        return all(map(is_over, self.connections.values()))


def is_over(client: Client) -> bool:
    """Whether something has come over a connection on which nothing is expected: its end.

    As pools of connections do, it asks the kernel: the event loop may not have got round to it yet.
    """
    if client.writer.transport.is_closing():
        return True
    poll = select.poll()
    poll.register(client.writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Balancer:
    """Sends each client's requests to one node after the other."""

    def __init__(self, backends: Iterable[Backend]) -> None:
        self.backends = list(backends)
        self.failed: dict[bytes, str] = {}
        self.statuses: Counter[int] = Counter()
        self._turns = cycle(self.backends)
        self._numbers = count()
        self._is_over = False

    async def client(self, number: int, every_seconds: float, after_seconds: float) -> None:
        """Send requests until the load is over."""
        await asyncio.sleep(after_seconds)
        due = time.monotonic()
        while not self._is_over:
            await self._one(number)
            now = time.monotonic()
            due = max(due + every_seconds, now - BEHIND_SECONDS)
            await asyncio.sleep(due - now)
        for backend in self.backends:
            backend.drop(number)

    def stop(self) -> None:
        """Let every client finish its last request."""
        self._is_over = True

    async def _one(self, client: int) -> None:
        target = b"/%d" % next(self._numbers)
        backend, connection = await self._choose(client)
        backend.in_flight.add(target)
        try:
            answer = await self._exchange(connection, target)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.failed[target] = repr(error)
            backend.drop(client)
        else:
            self.statuses[answer.status] += 1
            backend.answered += 1
            if answer.body != target:
                self.failed[target] = repr(answer)
            if answer.closes:
                backend.drop(client)
        finally:
            backend.in_flight.remove(target)

    async def _choose(self, client: int) -> tuple[Backend, Client]:
        while True:
            backend = next(self._turns)
            if backend.is_ready:
                try:
                    return backend, await backend.connection(client)
                except OSError:
                    backend.is_ready = False
            elif not any(backend.is_ready for backend in self.backends):
                await asyncio.sleep(POLL_SECONDS)

    async def _exchange(self, connection: Client, target: bytes) -> Answer:
        if int(target[1:]) % 4:
            return await connection.get(target)
        return await connection.get(target, method=b"POST", body=target)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Go on under load until something is true."""
        assert await until(holds, PATIENCE_SECONDS)

    async def answers(self, backend: Backend, number: int) -> None:
        """Go on under load until a node has answered so many more requests."""
        enough = backend.answered + number
        await self.until(lambda: backend.answered >= enough)


@asynccontextmanager
async def load(backends: Iterable[Backend], clients: int, per_second: float) -> AsyncIterator[Balancer]:
    """So many clients send so many requests a second, all of them together."""
    balancer = Balancer(backends)
    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(backend.watch()) for backend in balancer.backends]
        senders = [
            group.create_task(balancer.client(number, clients / per_second, number / per_second))
            for number in range(clients)
        ]
        yield balancer
        balancer.stop()
        await asyncio.wait(senders)
        for watcher in watchers:
            watcher.cancel()
