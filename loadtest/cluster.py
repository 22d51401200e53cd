"""A local cluster: Redis, the dummy upstream and gateway nodes, as processes on free ports."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loadtest import redis_server
from loadtest.child import Child, start_module, until_ready
from loadtest.interrupt import uninterrupted
from loadtest.nodes import Node, NodeStart
from loadtest.plan import Plan, own_environment

__all__ = ["Cluster", "Node", "Plan", "own_environment", "running"]

GRACE_SECONDS = 5.0
UPSTREAM = "upstream"


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
    _start: NodeStart

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
        start = NodeStart(
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

    return await until_ready(upstream, first_line)
