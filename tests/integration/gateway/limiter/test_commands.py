"""How much a node asks of Redis for one hot key, as Redis itself counts it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from redis.asyncio import Redis

from gateway.clock import monotonic
from gateway.contract import keys
from gateway.contract.limits import Limit
from gateway.limiter.limiter import Limiter
from tests.integration.gateway.limiter.node import decide, limiter_node

MOST_COMMANDS = (
    8  # TIME, refund, clean-up, HINCRBY, the reading, PEXPIRE, TIME; and one refund more at an edge
)
SHORT = Limit(40, 1)


async def hammer(limiter: Limiter, until: float) -> None:
    while monotonic() < until:
        await asyncio.gather(*(decide(limiter, "acme", SHORT) for _ in range(20)))


def batches(seen: Iterable[tuple[str, list[str]]]) -> list[list[str]]:
    """The commands of each batch, from those of all connections in their order: TIME … TIME."""
    whole: list[list[str]] = []
    begun: dict[str, list[str]] = defaultdict(list)
    for connection, words in seen:
        begun[connection].append(words[0].upper())
        if words[0].upper() == "TIME" and len(begun[connection]) > 1:
            whole.append(begun.pop(connection))
    return whole


async def test_a_batch_for_one_hot_key_is_eight_commands_at_the_most(
    redis_url: str, redis_client: Redis
) -> None:
    """With refusals, sub-intervals that end, and dead ones to be deleted."""
    key = keys.window("acme", keys.CLIENT_SCOPE, SHORT.period_seconds, 0)
    seen: list[tuple[str, list[str]]] = []

    async def watch(client: Redis) -> None:
        async with client.monitor() as monitor:
            watching.set()
            async for command in monitor.listen():
                if command["client_type"] == "tcp" and command["command"] != "PING":
                    seen.append(
                        (f"{command['client_address']}:{command['client_port']}", command["command"].split())
                    )

    watching = asyncio.Event()
    async with (
        limiter_node(redis_url) as a,
        limiter_node(redis_url) as b,
        limiter_node(redis_url) as c,
    ):
        watcher = asyncio.create_task(watch(redis_client))
        await watching.wait()
        until = monotonic() + 2.5
        await asyncio.gather(*(hammer(node.limiter, until) for node in (a, b, c)))
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)

    sent = batches(seen)
    names = {name for batch in sent for name in batch}
    assert {"TIME", "HINCRBY", "HGETALL", "PEXPIRE", "HDEL"} == names - {"HMGET"}
    assert len(sent) > 100
    further_refunds = [max(0, batch.count("HINCRBY") - 2) for batch in sent]
    assert max(further_refunds) <= 1, "what went back was of two sub-intervals at the most"
    lengths = [len(batch) - further for batch, further in zip(sent, further_refunds, strict=True)]
    assert max(lengths) <= MOST_COMMANDS
    assert await redis_client.hlen(key) <= 66
