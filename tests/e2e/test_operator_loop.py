"""An operator's loop over a real cluster: an outage, a breach, and the end of each, are two tickets."""

import os
import signal
from contextlib import AsyncExitStack

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from loadtest import cluster, redis_server
from subject import RateLimiterSubject
from tests.e2e.operators import Operator, traffic

CALM_SECONDS = 20.0
FOUND_SECONDS = 15.0
"""Ten are promised; this machine may have other work."""
CLEARED_SECONDS = 35.0
GREEDY = "greedy"
GREEDY_ID = unknown_client_id(GREEDY, DEFAULT_SECRET)


async def test_an_outage_and_a_breach_are_two_tickets_and_both_are_closed() -> None:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server.running_beside())
        plan = cluster.Plan(redis_url=redis.url, node_environment={"GATEWAY_DEFAULT_LIMIT": "100/10s"})
        running = await stack.enter_async_context(cluster.running(plan))
        subject = await stack.enter_async_context(RateLimiterSubject(redis.url))
        sends = await stack.enter_async_context(traffic(running))
        for number in range(6):
            sends.start(f"calm-{number}", number % 3, 2)
        operator = Operator(subject)

        await operator.watch(CALM_SECONDS)
        os.kill(redis.pid, signal.SIGKILL)
        await operator.watch(FOUND_SECONDS, lambda found: ("store_down", None) in found)
        await operator.watch(5)  # nothing else is opened meanwhile
        await stack.enter_async_context(redis_server.running_beside(port=redis.port))
        await operator.watch(CLEARED_SECONDS, lambda found: not found)

        await subject.set_rate_limit(GREEDY_ID, "20/10s", why="to be raised")
        for place in range(3):
            sends.start(GREEDY, place, 2)
        await operator.watch(FOUND_SECONDS + 5, lambda found: bool(found))
        await operator.watch(5)
        told = await subject.set_rate_limit(GREEDY_ID, "200/10s", why="it is entitled to more")
        assert all(node.id in told.partition("in force on")[2] for node in running.nodes), told
        await operator.watch(CLEARED_SECONDS, lambda found: not found)
        await operator.watch(5)

    down, breach = ("store_down", None), ("limit_breach", GREEDY_ID)
    assert operator.history == [("open", down), ("close", down), ("open", breach), ("close", breach)]
