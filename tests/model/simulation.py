"""Runs a scenario and leaves its record."""

from tests.model.loop import EndlessTurningError, Stall, node_loop
from tests.model.network import Network
from tests.model.node import Node
from tests.model.reckoning import length_of, oldest_that_may_count
from tests.model.record import LinkEnd, Outcome, Record
from tests.model.redis import RedisServer
from tests.model.scenario import Change, Fault, Happening, Request, Scenario, Suspension
from tests.model.world import World

MS = 1_000
_STOPPING = 2_000 * MS


def run(scenario: Scenario) -> Record:
    """Let it all happen."""
    simulation = _Simulation(scenario)
    try:
        simulation.go_on()
    except EndlessTurningError as error:
        simulation.world.failures.append(str(error))
    return simulation.end()


def _stalls(suspensions: tuple[Suspension, ...]) -> list[Stall]:
    return [Stall(each.at, each.ticks, each.reads) for each in suspensions]


class _Simulation:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.world = World(scenario.seed)
        self._server = RedisServer(
            self.world,
            scenario.redis_origin,
            scenario.redis_drift_ppm,
            _stalls(scenario.redis_suspensions),
        )
        self._network = self._server.network = Network(self.world, self._server, scenario.split_chance)
        self._outcomes: list[Outcome] = []
        self._nodes: list[Node] = []
        for number, plan in enumerate(scenario.nodes):
            self._network.weather[number] = list(plan.weather)
            self._nodes.append(self._new_node(number, _stalls(plan.suspensions)))
        self._record = Record(scenario, self._outcomes, self._server.log, self.world.failures)

    def _new_node(self, number: int, stalls: list[Stall]) -> Node:
        plan = self._scenario.nodes[number]
        loop = node_loop(self.world, self._network, plan.zero, stalls, timers_first=plan.timers_first)
        self._network.nodes[loop] = number
        return Node(number, loop, self._scenario, self._outcomes)

    def go_on(self) -> None:
        """Let everything happen, and some time pass after it; then stop the nodes in order."""
        scenario, world, record = self._scenario, self.world, self._record
        for request in scenario.requests:
            world.at(request.at, self._ask, request)
        for change in scenario.changes:
            for number, heard in enumerate(change.heard):
                world.at(heard, self._hear, number, change)
        for happening in scenario.happenings:
            world.at(happening.at, _HAPPENS[happening.fault], self, happening)
        world.run(scenario.ends_at)
        record.healed_at = max(scenario.healed_at, self._server.well_since)
        record.ended_at = scenario.ends_at + record.healed_at - scenario.healed_at
        world.run(record.ended_at)
        record.below_zero = self._below_zero()
        for node in self._nodes:
            record.tasks_left += node.tasks_left()
            record.kept += node.kept()
            node.stop()
        world.run(record.ended_at + _STOPPING)
        for node in self._nodes:
            record.tasks_left += [f"after the end: {task!r}" for task in node.loop.tasks]

    def end(self) -> Record:
        """What is left of it."""
        record = self._record
        for node in self._nodes:
            node.loop.kill()
        record.expired = self._server.store.expired
        record.most_fields = self._server.most_fields
        record.links = [
            LinkEnd(
                link.node,
                link.lost_at if link.lost_at is None or link.lost_at < record.ended_at else None,
                link.delivered,
                link.executed,
            )
            for link in self._network.links
        ]
        return record

    def _below_zero(self) -> list[str]:
        """The counts that are, among those that may count."""
        at = self._server.time(self.world.now)
        return [
            f"{key.decode()} {name.decode()} is {int(units)}"
            for key, fields in self._server.store.values.items()
            if isinstance(fields, dict)
            for name, units in fields.items()
            if int(units) < 0 and int(name) >= oldest_that_may_count(at, length_of(key.decode()))
        ]

    def _ask(self, request: Request) -> None:
        self._nodes[request.node].ask(request)

    def _hear(self, number: int, change: Change) -> None:
        self._nodes[number].policies[change.client] = change.policy

    # What goes wrong

    def _pause(self, happening: Happening) -> None:
        self._server.pause(happening.ticks)

    def _stop_keeping(self, happening: Happening) -> None:
        self._stop(happening, keeps_data=True, tells=True)

    def _stop_losing(self, happening: Happening) -> None:
        self._stop(happening, keeps_data=False, tells=True)

    def _vanish(self, happening: Happening) -> None:
        self._stop(happening, keeps_data=True, tells=False)

    def _flush(self, _: Happening) -> None:
        self._server.lose_keys(all_of_them=True)

    def _evict(self, _: Happening) -> None:
        self._server.lose_keys(all_of_them=False)

    def _stop(self, happening: Happening, *, keeps_data: bool, tells: bool) -> None:
        self._server.stop(happening.ticks, keeps_data=keeps_data, tells=tells)

    def _cut(self, happening: Happening) -> None:
        random = self.world.random
        for link in self._network.links:
            if link.node == happening.node and link.lost_at is None:
                self._network.cut(link, random.randrange(1 + happening.ticks), random.randrange(1, 300 * MS))

    def _lose_replies(self, happening: Happening) -> None:
        for link in self._network.links:
            if link.node == happening.node:
                link.down.is_dead = True

    def _lose_requests(self, happening: Happening) -> None:
        for link in self._network.links:
            if link.node == happening.node:
                link.up.is_dead = True

    def _partition(self, happening: Happening) -> None:
        self._lose_replies(happening)
        self._lose_requests(happening)
        self._network.partitioned[happening.node] = self.world.now + happening.ticks

    def _refuse(self, happening: Happening) -> None:
        self._server.refusal = happening.detail
        self.world.at(self.world.now + happening.ticks, setattr, self._server, "refusal", None)

    def _kill_node(self, happening: Happening) -> None:
        node = self._nodes[happening.node]
        if node.loop.tick > self.world.now:  # what it is in the midst of is done already, here
            self.world.at(node.loop.tick + 1, self._kill_node, happening)
            return
        node.kill()
        for link in self._network.links:
            if link.loop is node.loop:
                link.lost_at = self.world.now if link.lost_at is None else link.lost_at
                self._network.close(link)
        policies = node.policies
        self._nodes[happening.node] = self._new_node(happening.node, [])
        self._nodes[happening.node].policies = policies


_HAPPENS = {
    Fault.PAUSE: _Simulation._pause,
    Fault.STOP_KEEPING: _Simulation._stop_keeping,
    Fault.STOP_LOSING: _Simulation._stop_losing,
    Fault.FLUSH: _Simulation._flush,
    Fault.EVICT: _Simulation._evict,
    Fault.VANISH: _Simulation._vanish,
    Fault.CUT: _Simulation._cut,
    Fault.LOST_REPLIES: _Simulation._lose_replies,
    Fault.LOST_REQUESTS: _Simulation._lose_requests,
    Fault.PARTITION: _Simulation._partition,
    Fault.REFUSE: _Simulation._refuse,
    Fault.KILL_NODE: _Simulation._kill_node,
}
