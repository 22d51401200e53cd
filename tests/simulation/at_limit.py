"""What a client at its limit gets, and what that costs Redis, when very many nodes see it."""

from array import array
from dataclasses import dataclass

from gateway.contract.limits import Limit, parse_limits
from tests.model.oracle import admissible
from tests.model.world import MICROSECONDS
from tests.simulation.cluster import Cluster, Plan
from tests.simulation.course import By
from tests.simulation.network import BUSY, CALM, Ways

CLIENT = "k_of_the_one_that_asks"
WINDOWS = 6
FAR = 10.0
"""So many times as long as on one machine is the way between two halls."""


@dataclass(frozen=True)
class Got:
    """Of one client that asks `factor` times its limit for some windows, over `ways` of that name."""

    limit: Limit
    nodes: int
    factor: float
    ways: str
    admitted: int
    possible: int
    fullest: int
    fullest_in_all: int
    asked_redis: int
    requests: int
    seconds: float
    alone: int

    @property
    def of_the_possible(self) -> float:
        """Admitted, to what who knows everything at once could have admitted."""
        return self.admitted / self.possible

    @property
    def decisions_a_second(self) -> float:
        """That Redis was asked for."""
        return self.asked_redis / self.seconds


WAYS = {
    "calm": Ways(CALM),
    "ten times as long": Ways(CALM, FAR),
    "as on a crowded machine": Ways(BUSY),
}


def measure(limit: Limit, nodes: int, factor: float, ways: str, *, windows: int = WINDOWS) -> Got:
    """The client asks at random times, a node drawn at random each time."""
    seconds = float(windows * limit.period_seconds)
    rate = factor * limit.quota / limit.period_seconds
    cluster = Cluster(Plan(rate, limit, seconds, nodes=nodes, warm_seconds=0.0, ways=WAYS[ways]))
    asked: array[int] = array("q")

    def client() -> str:
        asked.append(cluster.world.now)
        return CLIENT

    cluster.next_client = client
    course = cluster.run()
    return Got(
        limit,
        nodes,
        factor,
        ways,
        course.admitted.total(),
        admissible(asked, limit),
        course.fullest(limit.period_seconds),
        course.fullest(limit.period_seconds, with_alone=True),
        course.decided[By.STORE],
        course.requests,
        (asked[-1] - asked[0]) / MICROSECONDS,
        course.decided[By.NODE],
    )


CASES = (
    *(("100/s", 3, factor, "calm") for factor in (1.0, 4.0, 40.0)),
    *(("100/s", 100, factor, "calm") for factor in (1.0, 4.0, 40.0)),
    *(("10/s", 100, factor, "calm") for factor in (4.0, 40.0)),
    *(("1000/s", 100, factor, "calm") for factor in (1.0, 4.0)),
    *(("50/5s", 100, factor, "calm") for factor in (1.0, 4.0)),
    *(("100/s", 100, factor, "ten times as long") for factor in (1.0, 4.0, 40.0)),
    *((limit, 100, 4.0, "as on a crowded machine") for limit in ("100/s", "50/5s")),
)
"""Limit, nodes, times the limit that is asked for, and ways."""


def case(text: str, nodes: int, factor: float, ways: str) -> Got:
    """One of them."""
    (limit,) = parse_limits(text).windows
    return measure(limit, nodes, factor, ways)
