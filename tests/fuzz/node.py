"""A node before an upstream that writes down all that comes, for as many mutated requests as are wanted."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from loadtest import redis_server
from tests.integration.gateway.forwarding import check_forwarding
from tests.integration.gateway.mutated import ALL_METHODS, mutated_requests
from tests.integration.gateway.node import running_node
from tests.integration.gateway.upstream import Upstream
from tests.integration.gateway.witness import Witness

NAME = "a node"


def run_node(number: int, seed: int) -> None:
    """Send it as many, at most, of a seed.

    Raises:
        AssertionError: for the first that it does not forward as it is read.
    """
    with redis_server.running() as redis:
        uvloop.run(_run(number, seed, redis.url))


async def _run(number: int, seed: int, redis_url: str) -> None:
    with _no_errors():
        async with Upstream() as upstream:
            witness = Witness(upstream)
            settings = {"upstream_url": upstream.url, "redis_url": redis_url, "exempt": ALL_METHODS}
            async with running_node(**settings) as node:
                for mutated in mutated_requests(number, seed):
                    await check_forwarding(mutated, node.port, witness)
                await node.settled()


@contextmanager
def _no_errors() -> Iterator[None]:
    """Nor may it log an error, or lose a task's failure."""
    seen: list[str] = []

    class Seen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(self.format(record))

    handler = Seen(logging.ERROR)
    logging.getLogger().addHandler(handler)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(str(context)))
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    assert not seen, "\n".join(seen)
