"""A node as the process that an operator starts."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import gateway
from gateway.contract.records import RosterEntry, TelemetryRecord, decode
from loadtest.cluster import own_environment
from loadtest.ports import free_port
from tests.integration.gateway.client import Client, within
from tests.integration.gateway.node import eventually

CODE = Path(gateway.__file__).parents[1]
"""Where the code is that is tested, from source or compiled."""


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class NodeProcess:
    """A running one; `log` is the file that its stderr goes to."""

    process: asyncio.subprocess.Process
    port: int
    admin_port: int
    log: Path

    async def connect(self) -> Client:
        """A new client's connection."""
        return await self._connect(self.port)

    async def connect_admin(self) -> Client:
        """A connection to its admin listener."""
        return await self._connect(self.admin_port)

    async def _connect(self, port: int) -> Client:
        try:
            return await Client.connect(port)
        except ConnectionRefusedError as error:
            error.add_note(f"exit code {self.process.returncode}; it said:\n{self.log.read_text()}")
            raise

    async def state(self) -> RosterEntry:
        """What it says of itself now."""
        async with await self.connect_admin() as admin:
            return decode(RosterEntry, (await admin.get_admin(b"/state")).body)

    async def record(self) -> TelemetryRecord:
        """Its counters now."""
        return (await self.state()).last

    async def ends(self) -> int:
        """Its exit code when it has ended."""
        return await within(self.process.wait())


CLOSED = -100
"""As `stderr`: there is none."""


async def start(folder: Path, *arguments: str, stderr: int, **settings: str) -> asyncio.subprocess.Process:
    """``python -m gateway`` in `folder`, with nothing in its environment but these settings."""
    closing = ("sh", "-c", 'exec "$@" 2>&-', "sh") if stderr == CLOSED else ()
    return await asyncio.create_subprocess_exec(
        *(*closing, sys.executable, "-m", "gateway", *arguments),
        cwd=folder,
        env={**own_environment(), "PYTHONPATH": str(CODE), **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if stderr == CLOSED else stderr,
    )


async def run_to_end(folder: Path, *arguments: str, **settings: str) -> Ended:
    """Start one that is expected to end by itself."""
    process = await start(folder, *arguments, stderr=asyncio.subprocess.PIPE, **settings)
    try:
        stdout, stderr = await within(process.communicate())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, stdout.decode(), stderr.decode())


@asynccontextmanager
async def node_process(
    folder: Path, stderr: int | None = None, /, **settings: str
) -> AsyncIterator[NodeProcess]:
    """One that serves, killed at the end if it is still there. It logs to a file, or to `stderr`."""
    port = free_port()
    admin_port, log = free_port(), folder / "node.log"
    ports = {"GATEWAY_PORT": str(port), "GATEWAY_ADMIN_PORT": str(admin_port)}
    with log.open("wb") as file:
        descriptor = file.fileno() if stderr is None else stderr
        process = await start(folder, stderr=descriptor, **(ports | settings))
    node = NodeProcess(process, port, admin_port, log)
    try:
        await eventually(lambda: _serves(node), bool)
        yield node
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _serves(node: NodeProcess) -> bool:
    assert node.process.returncode is None, node.log.read_text()
    try:
        client = await Client.connect(node.admin_port)
    except OSError:
        return False
    async with client:
        return (await client.get_admin(b"/readyz")).status == 200
