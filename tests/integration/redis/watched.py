"""What clients of a node get, and when it decides by Redis."""

import asyncio
import time
from collections import Counter
from itertools import count

from gateway.contract.records import StoreStatus
from tests.integration.gateway.processes import NodeProcess

QUOTA = 5
LIMIT = f"{QUOTA}/m"
PROMPT_SECONDS = 0.5
"""No answer takes longer, whatever Redis does; the deadline of a decision is a tenth of it."""
RECOVERY_SECONDS = 1.0

_keys = count()


def fresh_key() -> bytes:
    """A client that no node knows yet."""
    return b"fresh-%d" % next(_keys)


async def answers(node: NodeProcess, requests: int, key: bytes) -> Counter[int]:
    """The statuses that a client gets, each in good time."""
    statuses: Counter[int] = Counter()
    async with await node.connect() as client:
        for _ in range(requests):
            started = time.monotonic()
            answer = await client.get(b"/", b"X-API-Key: " + key, key=None)
            taken = time.monotonic() - started
            assert taken < PROMPT_SECONDS, f"an answer took {taken:.2f} s"
            statuses[answer.status] += 1
    return statuses


async def store(node: NodeProcess) -> StoreStatus:
    """What the node says of its decisions."""
    return (await node.record()).store


async def decides_by_redis(node: NodeProcess, within_seconds: float = RECOVERY_SECONDS) -> float:
    """Ask until a decision is by Redis; how long that took. All answers meanwhile are by policy."""
    started = time.monotonic()
    before = await store(node)
    while True:
        assert set(await answers(node, 1, fresh_key())) == {200}
        seconds = time.monotonic() - started
        now = await store(node)
        if now.connected and now.decisions > before.decisions:
            return seconds
        assert seconds < within_seconds, f"still {now}"
        await asyncio.sleep(0.02)
