"""A simulated cluster: nodes, the Redis in which they count together, and who asks them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from gateway.contract.limits import Limit
from tests.model.loop import node_loop
from tests.model.world import MICROSECONDS, World
from tests.simulation.course import Course
from tests.simulation.crowd import Crowd
from tests.simulation.network import DrawnNetwork, Ways
from tests.simulation.node import Node, Settings
from tests.simulation.server import Costs, PacedServer

ORIGIN = 1_800_000_000 * MICROSECONDS
"""What Redis' clock shows at the beginning."""
STARTING_SECONDS = 0.5
"""Until all nodes are connected and know Redis' time, nobody asks."""


@dataclass(frozen=True)
class Plan:
    """`requests` a second come from `clients`, each to a node drawn at random.

    After `warm_seconds` they are counted. `upkeep_us` is what a node takes of Redis in a second beside
    decisions.
    """

    requests: float
    limit: Limit
    seconds: float
    nodes: int = 100
    clients: int = 10_000_000
    popularity: float = 0.8
    warm_seconds: float = 0.5
    deadline_seconds: float = 0.05
    request_us: int = 30
    upkeep_us: float = 0.0
    costs: Costs = field(default_factory=Costs)
    ways: Ways = field(default_factory=Ways)
    seed: int = 7


class Cluster:
    """Built at world microsecond 0; `run` lets time pass."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World(plan.seed)
        self.server = PacedServer(self.world, ORIGIN, plan.costs)
        self.network = self.server.network = DrawnNetwork(self.world, self.server, plan.ways)
        self.begins = int(STARTING_SECONDS * MICROSECONDS)
        self.course = Course(self.begins + int(plan.warm_seconds * MICROSECONDS))
        self.ends = self.begins + int(plan.seconds * MICROSECONDS)
        self.random = Random(plan.seed + 1)
        self._crowd = Crowd(plan.clients, plan.popularity)
        self.next_client: Callable[[], str] = lambda: self._crowd.drawn(self.random)
        self.next_node: Callable[[], int] = lambda: int(self.random.random() * plan.nodes)
        settings = Settings(plan.limit, plan.nodes, plan.deadline_seconds, plan.request_us)
        self.nodes = [self._node(number, settings) for number in range(plan.nodes)]
        self._arrives_at = float(self.begins)
        self.world.at(self.begins, self._arrive)

    def _node(self, number: int, settings: Settings) -> Node:
        zero = int(self.random.random() * 1e12)
        loop = node_loop(self.world, self.network, zero, [])
        self.network.nodes[loop] = number
        if self.plan.upkeep_us:
            self.world.at(int(self.random.random() * MICROSECONDS), self._keep_up)
        node = Node(number, loop, self.network, settings, ORIGIN, self.course)
        self.world.at(int(self.random.random() * self.begins / 2), node.start)
        return node

    def _keep_up(self) -> None:
        self.server.charge(self.plan.upkeep_us)
        self.world.at(self.world.now + MICROSECONDS, self._keep_up)

    def _arrive(self) -> None:
        self.nodes[self.next_node()].ask(self.next_client())
        self._arrives_at += self.random.expovariate(self.plan.requests) * MICROSECONDS
        if self._arrives_at < self.ends:
            self.world.at(int(self._arrives_at), self._arrive)

    def run(self) -> Course:
        """All of it, and some time for the last answers.

        Raises:
            RuntimeError: something failed that nobody handled.
        """
        self.world.run(self.ends + MICROSECONDS)
        for node in self.nodes:
            node.loop.kill()
        if self.world.failures:
            raise RuntimeError("\n".join(self.world.failures))
        return self.course
