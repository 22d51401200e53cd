"""What decisions leave in memory."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from gateway.contract.limits import Limit
from gateway.limiter.batch import Batch, PendingCheck
from tests.integration.gateway.limiter.node import decide, eventually, limiter_node
from tests.living import living

FIFTY = Limit(50, 60)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only what is referred to by nobody goes."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left() -> int:
    return sum(1 for _ in living(PendingCheck, Batch))


@pytest.mark.usefixtures("no_collector")
async def test_decisions_leave_nothing_to_the_garbage_collector(redis_url: str) -> None:
    """Else they outlive its young generations, and pile up until it looks at all that there is."""
    before = left()
    async with limiter_node(redis_url, on_failure="open") as node:
        for _ in range(20):
            await asyncio.gather(*(decide(node.limiter, "acme", FIFTY) for _ in range(10)))
            leaving = [asyncio.create_task(decide(node.limiter, "other", FIFTY)) for _ in range(5)]
            await asyncio.sleep(0)
            while leaving:
                leaving.pop().cancel()
            await asyncio.sleep(0)
        await eventually(lambda: left() <= before)
