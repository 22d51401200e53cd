"""A simulated cluster near what its Redis bears, and beyond: who decides, how late, and how exactly."""

from dataclasses import dataclass, replace

from gateway.contract.limits import Limit
from tests.simulation.cluster import Cluster, Plan
from tests.simulation.course import By
from tests.simulation.server import Costs

SLOW = Costs(50.0, 10.0, 1.4)
"""A Redis that takes twenty times as long as the measured one: in a second a twentieth happens."""
UPKEEP_US = 600.0
"""What one of a hundred nodes takes of Redis in a second beside decisions: `tests.simulation.upkeep`."""
A_SECOND, A_MINUTE = Limit(20, 1), Limit(40, 60)
PILOT_RATIO = 0.1


@dataclass(frozen=True)
class Capacity:
    """What the modelled Redis spends where little is asked of it."""

    idle_us: float
    """In a second in which nobody asks: heartbeats and upkeep."""
    request_us: float

    @property
    def requests(self) -> float:
        """A second that take all of it."""
        return (1e6 - self.idle_us) / self.request_us


@dataclass(frozen=True)
class Bore:
    """What became of a second at `ratio` of what Redis can decide."""

    limit: Limit
    ratio: float
    requests_a_second: float
    alone_ratio: float
    by_redis_a_second: float
    p50_ms: float
    p99_ms: float
    discarded_ratio: float
    fullest: int
    fullest_in_all: int
    commands_a_decision: float


def capacity(plan: Plan) -> Capacity:
    """By a run in which hardly anybody asks, and one in which some do."""
    quiet = Cluster(replace(plan, requests=1.0))
    quiet.run()
    rough = PILOT_RATIO * 1e6 / plan.costs.decision()
    pilot = Cluster(replace(plan, requests=rough))
    pilot.run()
    asked = rough * plan.seconds
    elapsed = pilot.world.now / 1e6
    return Capacity(quiet.server.busy_us / elapsed, (pilot.server.busy_us - quiet.server.busy_us) / asked)


def measure(plan: Plan, bears: Capacity, ratio: float) -> Bore:
    """Let so much be asked."""
    plan = replace(plan, requests=ratio * bears.requests)
    cluster = Cluster(plan)
    course = cluster.run()
    counted = plan.seconds - plan.warm_seconds
    totals = [node.counters for node in cluster.nodes]
    decisions = sum(one.store_decisions for one in totals)
    period = plan.limit.period_seconds
    return Bore(
        plan.limit,
        ratio,
        plan.requests,
        course.alone_ratio,
        course.decided[By.STORE] / counted,
        course.took_ms(0.5),
        course.took_ms(0.99),
        sum(one.store_discarded for one in totals) / max(1, decisions),
        course.fullest(period),
        course.fullest(period, with_alone=True),
        cluster.server.commands.total() / max(1, decisions),
    )


def plan(limit: Limit, costs: Costs, *, seconds: float = 1.2, nodes: int = 100) -> Plan:
    """Of the standard run."""
    return Plan(1.0, limit, seconds, nodes=nodes, warm_seconds=0.4, upkeep_us=UPKEEP_US, costs=costs)


CASES = tuple((limit, ratio) for limit in (A_SECOND, A_MINUTE) for ratio in (0.9, 1.0, 1.1))
"""What the page tells of."""


def case(limit: Limit, ratio: float) -> Bore:
    """One of them."""
    asked = plan(limit, SLOW)
    return measure(asked, capacity(asked), ratio)
