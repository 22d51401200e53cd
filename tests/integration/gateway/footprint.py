"""What a test's process holds: a node, its clients and its upstream."""

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path

from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.tunnel import TunnelEndpoint
from gateway.proxy.upstream_connection import UpstreamConnection
from tests.living import living


@dataclass(frozen=True)
class Footprint:
    """What this process holds: the node, its clients and its upstream."""

    descriptors: int
    tasks: int
    connections: int

    def is_within(self, other: "Footprint") -> bool:
        """Whether none of it is more."""
        return (
            self.descriptors <= other.descriptors
            and self.tasks <= other.tasks
            and self.connections <= other.connections
        )


async def footprint() -> Footprint:
    """Of now."""
    gc.collect()
    kinds: tuple[type[object], ...] = (ClientConnection, UpstreamConnection, TunnelEndpoint)
    connections = sum(1 for _ in living(*kinds))
    descriptors = sum(1 for _ in Path("/dev/fd").iterdir())
    return Footprint(descriptors, len(asyncio.all_tasks()), connections)
