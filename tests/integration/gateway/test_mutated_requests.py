"""A node forwards of any bytes what its reader finds in them, so that all read it alike, and nothing else."""

from collections.abc import Awaitable, Callable

from tests.integration.gateway.forwarding import check_forwarding
from tests.integration.gateway.mutated import ALL_METHODS, mutated_requests
from tests.integration.gateway.node import Node
from tests.integration.gateway.upstream import Upstream
from tests.integration.gateway.witness import Witness

StartNode = Callable[..., Awaitable[Node]]
NUMBER = 300
SEED = 20


async def test_a_node_forwards_what_its_reader_finds(start_node: StartNode, upstream: Upstream) -> None:
    node = await start_node(exempt=ALL_METHODS)
    witness = Witness(upstream)
    for mutated in mutated_requests(NUMBER, SEED):
        await check_forwarding(mutated, node.port, witness)
    await node.settled()
