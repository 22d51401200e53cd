"""Promises 1 and 2 on real processes: never more than N in any window of W, and always nearly N.

`python -m tests.exactness` measures the same with more limits, for longer, and up to forty times the limit.
"""

from collections.abc import Sequence
from pathlib import Path

from gateway.contract.window import SUB_INTERVALS
from loadtest import cluster
from tests.exactness import oracle
from tests.exactness.limits import Demand, measure
from tests.exactness.policies import Client, write_clients
from tests.exactness.schedule import Shot, even, together
from tests.exactness.volley import fire, note_arrivals

SEED = 7
SECONDS = 14.0
"""Windows of five seconds are full three times, also where each comes a quarter of a second late."""

DEMANDS = (
    *(Demand(Client(f"one-second-{factor}", "10/s"), factor) for factor in (0.9, 1, 4, 40)),
    *(Demand(Client(f"five-seconds-{factor}", "100/5s"), factor) for factor in (0.9, 1, 4)),
    *(Demand(Client(f"both-{factor}", "10/s,40/5s"), factor) for factor in (1, 4)),
)

PHASES = 12
PHASE_WINDOWS = {"1s": 1, "3s": 3}
COARSEST_SUB_INTERVAL = 3 / SUB_INTERVALS
BETWEEN_PHASES = 2 * COARSEST_SUB_INTERVAL
PHASE_QUOTA = 10


def plan(clients: Sequence[Client], folder: Path) -> cluster.Plan:
    """The deadline is long, so that a late reply on a loaded machine is not taken for an outage."""
    clients_file = folder / "clients.toml"
    write_clients(clients, clients_file)
    return cluster.Plan(
        node_environment={
            "GATEWAY_CLIENTS_FILE": str(clients_file),
            "GATEWAY_STORE_DEADLINE": "10",
            "GATEWAY_ON_STORE_FAILURE": "closed",
        }
    )


async def test_no_window_holds_more_than_the_limit_and_each_nearly_as_much(tmp_path: Path) -> None:
    """Nine clients at once, each through all three nodes, at a little less than their limit to 40 times."""
    async with cluster.running(plan([demand.client for demand in DEMANDS], tmp_path)) as running:
        outcomes = await measure(running, DEMANDS, SECONDS, SEED)
    assert [failure for outcome in outcomes for failure in outcome.failures] == []


def phased(name: str, period_seconds: int, phase: int) -> tuple[Client, list[Shot]]:
    """A client that begins at the given twelfth of a sub-interval with more than it may, and goes on so.

    One begins after the other, so that each has the machine for itself when it does.
    """
    client = Client(f"{name}-{phase}", f"{PHASE_QUOTA}/{period_seconds}s")
    start = phase * BETWEEN_PHASES + phase / PHASES * period_seconds / SUB_INTERVALS
    burst = [Shot(start, client.name, i % 3) for i in range(PHASE_QUOTA + 5)]
    more = even(client.name, 4 * PHASE_QUOTA / period_seconds, 2.6 * period_seconds, range(3), start)
    return client, together(burst, more)


async def test_the_limit_holds_wherever_in_a_sub_interval_a_client_begins(tmp_path: Path) -> None:
    begun = [phased(name, period, phase) for name, period in PHASE_WINDOWS.items() for phase in range(PHASES)]
    clients = [client for client, _ in begun]
    async with cluster.running(plan(clients, tmp_path)) as running:
        shots = together(*(shots for _, shots in begun))
        answers = await fire([node.url for node in running.nodes], shots, start_on=COARSEST_SUB_INTERVAL)
        await note_arrivals(answers, running.upstream_log)
    twelfths: dict[int, set[int]] = {period: set() for period in PHASE_WINDOWS.values()}
    for client in clients:
        mine = [answer for answer in answers if answer.shot.key == client.name]
        (limit,) = client.windows
        assert {answer.status for answer in mine} == {200, 429}, client.name
        assert oracle.fullest(mine, limit) <= limit.quota, client.name
        assert oracle.fullest_at_upstream(mine, limit) <= limit.quota, client.name
        assert sum(answer.admitted for answer in mine) >= 0.95 * 3 * limit.quota, client.name
        begun_at = min(answer.sent for answer in mine) * SUB_INTERVALS / limit.period_seconds
        twelfths[limit.period_seconds].add(int(begun_at % 1 * PHASES))
    assert all(len(hit) >= PHASES // 2 for hit in twelfths.values()), f"begun in these twelfths: {twelfths}"
