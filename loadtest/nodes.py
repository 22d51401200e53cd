"""Starting gateway nodes, on ports that nobody else has, and again where they were."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from gateway.contract.records import RecordError, RosterEntry, decode
from loadtest.child import Child, StartError, start_module, until_ready
from loadtest.plan import Plan
from loadtest.ports import free_port, is_free

DRAIN_SECONDS = 3
ATTEMPTS = 5


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
class NodeStart:
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
        await until_ready(node.child, partial(self._answer, node))

    async def node(self, node_id: str, name: str | None = None) -> Node:
        """Start a node, and start it again on other ports where somebody else took one in between."""
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            admin_port = free_port()
            child = self._child(name or node_id, self._environment(node_id, port, admin_port))
            node = Node(node_id, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}", child)
            try:
                await until_ready(child, partial(self._answer, node))
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
                entry = decode(RosterEntry, await response.read())
        except (aiohttp.ClientError, TimeoutError, RecordError):
            return None
        of_both = (port_of(entry.address), port_of(entry.admin_address))
        is_it = entry.last.node_id == node.id and of_both == (port_of(node.url), port_of(node.admin_url))
        return node.id if is_it else None


def port_of(address: str) -> str:
    """What follows the last colon."""
    return address.rpartition(":")[2]
