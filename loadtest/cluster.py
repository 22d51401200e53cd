"""A local cluster: Redis, the dummy upstream and gateway nodes, as processes on free ports."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from gateway.contract import codec
from gateway.contract.roster import RosterEntry
from loadtest import redis_server
from loadtest.child import CODE, Child, StartError, start_module
from loadtest.interrupt import uninterrupted
from loadtest.polling import TICK_SECONDS
from loadtest.ports import free_port, is_free

READY_SECONDS = 30.0
DRAIN_SECONDS = 3
GRACE_SECONDS = 5.0
ATTEMPTS = 5
UPSTREAM = "upstream"


@dataclass(slots=True)
class Node:
    """A gateway node that is ready; its process is another one once it was started again."""

    id: str
    url: str
    admin_url: str
    child: Child

    @property
    def pid(self) -> int:
        """Its process."""
        return self.child.pid


@dataclass(frozen=True, slots=True)
class Cluster:
    """All that runs; `folder` holds its temporary files and goes with it. `upstream_log` is that of our own
    upstream, and `upstream_behaviour` the file that it follows."""

    redis_url: str
    upstream_url: str
    upstream_log: Path
    upstream_behaviour: Path
    nodes: tuple[Node, ...]
    folder: Path
    environment: Mapping[str, str]
    _start: "_NodeStart"

    async def start_again(self, node: Node, environment: Mapping[str, str] | None = None) -> None:
        """Start a node that has ended where it was, with these settings before its own.

        Raises:
            StartError: it was not ready in time.
        """
        await self._start.again(node, environment or {})

    async def start_another(self, node_id: str) -> Node:
        """A node that is none of `nodes`, under an id that may be one of theirs.

        Raises:
            StartError: it was not ready in time.
        """
        return await self._start.node(node_id, name=f"another {node_id}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start.

    `redis_url`, `upstream_url`: a server that runs already; None starts one. `node_redis_url`: where nodes
    find it, if another way leads there. `node_environment` goes before `environment`, what the processes
    inherit, and `environments_by_node` (by its id, node-1 and so on) before both.
    `code`: where nodes' modules are, if not where ours are.
    `working_folder`: where relative paths in settings start, and a gateway.toml is looked for; None stands
    for an empty one.
    """

    nodes: int = 3
    redis_url: str | None = None
    upstream_url: str | None = None
    node_redis_url: str | None = None
    node_environment: Mapping[str, str] = field(default_factory=dict)
    environments_by_node: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: own_environment())
    code: Path = CODE
    working_folder: Path | None = None


def own_environment() -> dict[str, str]:
    """Our environment without the settings of this product and of the load generator."""
    foreign = ("GATEWAY_", "SUBJECT_", "LOADTEST_", "LOCUST_", "NODE_ID", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[Cluster]:
    """The cluster, ready, while the context lasts. Afterwards no process and no file of it is left.

    Raises:
        StartError: something did not start, or was not ready in time.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ratelimiter-")))
        redis_url = plan.redis_url or (await stack.enter_async_context(redis_server.running_beside())).url
        children: list[Child] = []
        stack.push_async_callback(_stop_in_order, children)
        log, behaviour = folder / "upstream.log", folder / "upstream.json"
        upstream_url = plan.upstream_url
        if upstream_url is None:
            children.append(_start_upstream(plan, folder, log, behaviour))
            upstream_url = await _announced_url(children[0])
        timeout = aiohttp.ClientTimeout(total=2)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        start = _NodeStart(
            plan=plan,
            redis_url=redis_url,
            upstream_url=upstream_url,
            folder=folder,
            session=session,
            children=children,
        )
        yield Cluster(
            redis_url=redis_url,
            upstream_url=upstream_url,
            upstream_log=log,
            upstream_behaviour=behaviour,
            nodes=await start.all_nodes(),
            folder=folder,
            environment=plan.environment,
            _start=start,
        )


def _start_upstream(plan: Plan, folder: Path, log: Path, behaviour: Path) -> Child:
    return start_module(
        "loadtest",
        *("upstream", "--port", "0", "--log", str(log), "--behaviour", str(behaviour)),
        name=UPSTREAM,
        environment=plan.environment,
        folder=folder,
        working_folder=folder,
    )


async def _stop_in_order(children: list[Child]) -> None:
    """Nodes first, all at once; then the upstream, that they may still be talking to."""
    upstream = [child for child in children if child.name == UPSTREAM]
    nodes = [child for child in children if child.name != UPSTREAM]

    async def stop_all() -> None:
        for group in (nodes, upstream):
            await asyncio.gather(*(child.stop(GRACE_SECONDS) for child in group))

    await uninterrupted(stop_all())


async def _announced_url(upstream: Child) -> str:
    """The address that the upstream chose and printed as the last word of its first line."""

    async def first_line() -> str | None:
        line, newline, _ = upstream.stdout.read_text().partition("\n")
        return line.split()[-1] if newline else None

    return await _until_ready(upstream, first_line)


async def _until_ready(child: Child, probe: Callable[[], Awaitable[str | None]]) -> str:
    """Ask `probe` again until it answers.

    Raises:
        StartError: the process ended, or the time is up.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        ended = child.has_ended()
        answer = None if ended else await probe()
        if answer is not None:
            return answer
        if ended:
            raise StartError(f"{child.name} does not start: {child.last_words()}")
        await asyncio.sleep(TICK_SECONDS)
    raise StartError(f"{child.name} was not ready within {READY_SECONDS:g} s: {child.last_words()}")


@dataclass(frozen=True, slots=True)
class _NodeStart:
    """What starting a node needs."""

    plan: Plan
    redis_url: str
    upstream_url: str
    folder: Path
    session: aiohttp.ClientSession
    children: list[Child]

    async def all_nodes(self) -> tuple[Node, ...]:
        """Start all at once; the first that fails ends the others' start."""
        try:
            async with asyncio.TaskGroup() as group:
                numbers = range(1, self.plan.nodes + 1)
                tasks = [group.create_task(self.node(f"node-{number}")) for number in numbers]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return tuple(task.result() for task in tasks)

    async def again(self, node: Node, environment: Mapping[str, str]) -> None:
        """Start it at its addresses, with these settings before its own."""
        port, admin_port = int(port_of(node.url)), int(port_of(node.admin_url))
        own = self._environment(node.id, port, admin_port)
        node.child = self._child(node.id, {**own, **environment})
        await _until_ready(node.child, partial(self._answer, node))

    async def node(self, node_id: str, name: str | None = None) -> Node:
        """Start a node, and start it again on other ports where somebody else took one in between."""
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            admin_port = free_port()
            child = self._child(name or node_id, self._environment(node_id, port, admin_port))
            node = Node(node_id, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}", child)
            try:
                await _until_ready(child, partial(self._answer, node))
            except StartError:
                stolen = child.has_ended() and not (is_free(port) and is_free(admin_port))
                if not stolen or attempt == ATTEMPTS:
                    raise
            else:
                return node
        raise AssertionError("the last attempt returns or raises")

    def _child(self, name: str, environment: Mapping[str, str]) -> Child:
        child = start_module(
            "gateway",
            name=name,
            environment=environment,
            folder=self.folder,
            working_folder=self.plan.working_folder or self.folder,
            code=self.plan.code,
        )
        self.children.append(child)
        return child

    def _environment(self, node_id: str, port: int, admin_port: int) -> dict[str, str]:
        return {
            "GATEWAY_DRAIN_TIMEOUT": str(DRAIN_SECONDS),
            **self.plan.environment,
            "REDIS_URL": self.plan.node_redis_url or self.redis_url,
            "NODE_ID": node_id,
            "GATEWAY_UPSTREAM_URL": self.upstream_url,
            **self.plan.node_environment,
            **self.plan.environments_by_node.get(node_id, {}),
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "GATEWAY_ADMIN_HOST": "127.0.0.1",
            "GATEWAY_ADMIN_PORT": str(admin_port),
        }

    async def _answer(self, node: Node) -> str | None:
        """The node's id if it serves, and it is not another cluster's node that listens there."""
        try:
            async with self.session.get(f"{node.admin_url}/readyz") as response:
                if response.status != 200:
                    return None
            async with self.session.get(f"{node.admin_url}/state") as response:
                entry = codec.decode(RosterEntry, await response.read())
        except (aiohttp.ClientError, TimeoutError, codec.RecordError):
            return None
        of_both = (port_of(entry.address), port_of(entry.admin_address))
        is_it = entry.last.node_id == node.id and of_both == (port_of(node.url), port_of(node.admin_url))
        return node.id if is_it else None


def port_of(address: str) -> str:
    """What follows the last colon."""
    return address.rpartition(":")[2]
