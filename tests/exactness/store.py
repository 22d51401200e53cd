"""A Redis server that the nodes count in, and the ways to hurt it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from loadtest import delay_proxy, redis_server
from loadtest.delay_proxy import DelayProxy
from loadtest.redis_server import RedisServer

LATE_SECONDS = 0.2
LATE_SHARE = 0.3
SEED = 1


@dataclass(slots=True)
class Store:
    """A running server. `node_url` leads to it through the proxy, `url` past it."""

    url: str
    node_url: str
    server: RedisServer
    proxy: DelayProxy
    options: tuple[str, ...]
    stack: AsyncExitStack = field(repr=False)

    async def stop(self) -> None:
        """It keeps its connections and answers nothing."""
        os.kill(self.server.pid, signal.SIGSTOP)

    async def go_on(self) -> None:
        """After `stop`."""
        os.kill(self.server.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """It is gone, and so is what it kept in memory alone."""
        os.kill(self.server.pid, signal.SIGKILL)

    async def restart(self) -> None:
        """After `kill`: again at the same port, with what its files hold."""
        starting = redis_server.running_beside(*self.options, port=self.server.port)
        self.server = await self.stack.enter_async_context(starting)

    async def delay(self) -> None:
        """A share of all packets to it takes long, and what comes behind them waits, as with TCP."""
        self.proxy.random = Random(SEED)
        self.proxy.late_seconds, self.proxy.late_share = LATE_SECONDS, LATE_SHARE

    async def hurry(self) -> None:
        """After `delay`."""
        self.proxy.late_share = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the store, and how it ends. `keeps_data`: whether the counters survive it."""

    name: str
    begin: Callable[[Store], Awaitable[None]]
    end: Callable[[Store], Awaitable[None]]
    keeps_data: bool = True


FAULTS = (
    Fault("stopped", Store.stop, Store.go_on),
    Fault("killed, data kept", Store.kill, Store.restart),
    Fault("killed, data lost", Store.kill, Store.restart, keeps_data=False),
    Fault("30 % of the packets to it 200 ms late", Store.delay, Store.hurry),
)


@asynccontextmanager
async def running(fault: Fault) -> AsyncIterator[Store]:
    """A server that this fault can befall, and is fit to keep or to lose its data by it."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ratelimiter-store-"))
        # Written before it is answered, and what is written outlives the process: no need to wait for a disk.
        kept = ("--dir", folder, "--appendonly", "yes", "--appendfsync", "no")
        options = kept if fault.keeps_data and fault.begin is Store.kill else ()
        server = await stack.enter_async_context(redis_server.running_beside(*options))
        proxy = await stack.enter_async_context(delay_proxy.running("127.0.0.1", server.port))
        node_url = f"redis://127.0.0.1:{proxy.port}/0" if fault.begin is Store.delay else server.url
        yield Store(server.url, node_url, server, proxy, options, stack)


async def hurt(store: Store, fault: Fault, after_seconds: float, seconds: float) -> tuple[float, float]:
    """Let the fault begin after a while and end after another: the monotonic times of both."""
    loop = asyncio.get_running_loop()
    began = loop.time() + after_seconds
    await asyncio.sleep(after_seconds)
    await fault.begin(store)
    await asyncio.sleep(began + seconds - loop.time())
    await fault.end(store)
    return began, loop.time()
