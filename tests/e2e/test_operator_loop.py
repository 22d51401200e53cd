"""An operator's loop over a real cluster: an outage, a breach, and the end of each, are two tickets."""

import os
import signal
from contextlib import AsyncExitStack

from loadtest import redis_server
from subject import RateLimiterSubject
from tests.e2e.operators import (
    BREACH,
    CLEARED_SECONDS,
    DOWN,
    FOUND_SECONDS,
    GREEDY,
    GREEDY_ID,
    Operator,
    calm_cluster,
    is_open,
)


async def test_an_outage_and_a_breach_are_two_tickets_and_both_are_closed() -> None:
    async with AsyncExitStack() as stack:
        redis, running, sends = await calm_cluster(stack, limit="100/10s")
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        operator = Operator(subject)

        await operator.watch(5)
        os.kill(redis.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, is_open(DOWN))
        await operator.watch(5)  # nothing else is opened meanwhile
        await stack.enter_async_context(redis_server.running_beside(port=redis.port))
        await operator.watch(CLEARED_SECONDS, is_open())

        await subject.set_rate_limit(GREEDY_ID, "20/10s", why="to be raised")
        for place in range(3):
            sends.start(GREEDY, place, 2)
        await operator.watch(FOUND_SECONDS, is_open(BREACH))
        await operator.watch(5)
        told = await subject.set_rate_limit(GREEDY_ID, "200/10s", why="it is entitled to more")
        assert all(node.id in told.partition("in force on")[2] for node in running.nodes), told
        await operator.watch(CLEARED_SECONDS, is_open())
        await operator.watch(5)

    assert operator.history == [("open", DOWN), ("close", DOWN), ("open", BREACH), ("close", BREACH)]
