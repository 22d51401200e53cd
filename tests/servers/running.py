"""HTTP servers of other projects, as processes of their own."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from loadtest.cluster import own_environment
from loadtest.ports import free_port
from tests.project import ROOT
from tests.servers import record

PATIENCE_SECONDS = 30.0
_ATTEMPTS = 3
_AT = "127.0.0.1:{port}"
_NODE = shutil.which("node")

COMMANDS: dict[str, tuple[str, ...]] = {
    "aiohttp": (sys.executable, "-m", "tests.servers.on_aiohttp", "{port}"),
    "uvicorn": (
        *(sys.executable, "-m", "uvicorn", "--port", "{port}", "--http", "httptools", "--ws", "none"),
        *("--timeout-keep-alive", "60", "--loop", "asyncio", "--lifespan", "off", "--log-level", "warning"),
        "tests.servers.asgi:app",
    ),
    # Threads, since its plain worker closes each connection: what comes behind a request is the question.
    "gunicorn": (
        *(sys.executable, "-m", "gunicorn", "--bind", _AT, "--worker-class", "gthread", "--threads", "4"),
        *("--keep-alive", "60", "--limit-request-line", "8190", "--limit-request-fields", "200"),
        *("--limit-request-field_size", "16384", "--no-control-socket", "--log-level", "warning"),
        "tests.servers.wsgi:app",
    ),
    "waitress": (sys.executable, "-m", "waitress", f"--listen={_AT}", "tests.servers.wsgi:app"),
    "tornado": (sys.executable, "-m", "tests.servers.on_tornado", "{port}"),
}
if _NODE is not None:
    COMMANDS["node"] = (_NODE, str(Path(__file__).with_name("on_node.js")), "{port}")


@dataclass(frozen=True)
class Server:
    """A running one; `seen` is the file of its records, a line each."""

    port: int
    seen: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Server]:
    """One of COMMANDS, which writes into `folder`; killed at the end.

    Where somebody takes its port just then, it is started once more.
    """
    for _ in range(_ATTEMPTS):
        server, process = await _start(name, folder)
        try:
            if await _serves(server, process):
                yield server
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    raise AssertionError((folder / "log").read_text())


async def _start(name: str, folder: Path) -> tuple[Server, asyncio.subprocess.Process]:
    port = free_port()
    server = Server(port, folder / "seen")
    server.seen.touch()
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(part.format(port=port) for part in COMMANDS[name]),
            cwd=folder,
            env={**own_environment(), "PYTHONPATH": str(ROOT), record.VARIABLE: str(server.seen)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return server, process


async def _serves(server: Server, process: asyncio.subprocess.Process) -> bool:
    """Wait until it has written a request down, which is then forgotten; False where it has ended instead."""
    ended = asyncio.create_task(process.wait())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.seen.stat().st_size:
            asked = asyncio.create_task(_ask(server.port))
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if ended.done():
                return False
            await asyncio.sleep(0.02)
    ended.cancel()
    os.truncate(server.seen, 0)
    return True


async def _ask(port: int) -> None:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await reader.read()
        finally:
            writer.close()
