"""What is known of one that is measured, and what it is given to run."""

import asyncio
import os
import shlex
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench import vitals
from loadtest.child import Child, StartError
from loadtest.interrupt import uninterrupted
from loadtest.polling import until

WINDOW_SECONDS = 60
_REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
READY_SECONDS = 15.0
GRACE_SECONDS = 3.0


def extras() -> str:
    """What installs the packages that only this needs."""
    return f"pip install -r {shlex.quote(os.path.relpath(_REQUIREMENTS))}"


@dataclass(frozen=True, slots=True)
class Place:
    """What a peer finds around it: a Redis, an upstream, an empty folder, and the limit of every key.

    `redis_database`: one that nobody else uses, where another with the same names would be in its way.
    """

    redis_port: int
    redis_database: int
    upstream_port: int
    folder: Path
    limit: int
    environment: Mapping[str, str]

    @property
    def redis_url(self) -> str:
        """The Redis."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def upstream_url(self) -> str:
        """The upstream."""
        return f"http://127.0.0.1:{self.upstream_port}"


@dataclass(frozen=True, slots=True)
class Running:
    """One that serves: where, all of its processes, and the database where it keeps windows."""

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    redis_database: int = 0


Start = Callable[[Place], AbstractAsyncContextManager[Running]]
"""Has one serve while the context lasts."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One that can be measured.

    `missing`: what to do to have it, None where it is there. `window`: the name of a key's hash in Redis,
    whose fields are sub-intervals of a second; None where it keeps no such hashes. `is_for_everything`: not
    only for scenarios that name it.
    """

    name: str
    title: str
    version: Callable[[], str]
    missing: Callable[[], str | None]
    running: Start
    window: Callable[[str], str] | None = None
    is_for_everything: bool = True


@asynccontextmanager
async def serving(child: Child, port: int) -> AsyncIterator[Running]:
    """A started process, from when it listens until the context ends.

    Raises:
        StartError: it does not listen.
    """
    try:
        await until(lambda: child.has_ended() or _listens(port), READY_SECONDS)
        if child.has_ended() or not _listens(port):
            raise StartError(f"{child.name} does not start: {child.last_words()}")
        await asyncio.sleep(0.1)  # nginx listens before its worker is there
        yield Running((port,), vitals.family(child.pid))
    finally:
        await uninterrupted(child.stop(GRACE_SECONDS))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
