"""Live changes of one client, and the policy that nodes tell it by."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.limits import Limits, parse_limits
from gateway.contract.overrides import Override
from gateway.contract.records import encode
from tests.integration.gateway.client import Answer, Client
from tests.integration.gateway.node import Node, eventually

StartNode = Callable[..., Awaitable[Node]]
CLIENT = unknown_client_id("key-1", DEFAULT_SECRET)
SOON_SECONDS = 1.0
FIVE = parse_limits("5/h")
OVERRIDDEN = b'"override";q=5;w=3600'
"""What is told of it."""
USUAL = b'"default";q=3;w=3600'
"""What `three_nodes` tell otherwise."""


def override(limit: Limits, until: float | None = None) -> str:
    return encode(Override(limit, by="test", at=1.0, until=until))


@asynccontextmanager
async def clients_of(nodes: list[Node]) -> AsyncIterator[list[Client]]:
    """One that is connected to each node."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await node.connect()) for node in nodes]


async def policy_is(client: Client, wanted: bytes) -> Answer:
    """The first answer that tells of it, within `SOON_SECONDS`."""
    return await eventually(
        client.get, lambda answer: answer.value("RateLimit-Policy") == wanted, SOON_SECONDS
    )


async def policy_is_everywhere(clients: list[Client], wanted: bytes) -> None:
    """On all nodes, within `SOON_SECONDS`."""
    await asyncio.gather(*(policy_is(client, wanted) for client in clients))


async def three_nodes(start_node: StartNode, **settings: object) -> list[Node]:
    """With a limit that three requests use up."""
    return [await start_node(node_id=f"node-{n}", default_limit="3/h", **settings) for n in (1, 2, 3)]
