"""Whose counts a run cannot be held to."""

from collections.abc import Iterable

from loadtest.scenarios.fault import NodeClock, NodeKilled, NodeRestarted, RedisKilled
from loadtest.scenarios.scenario import Scenario


def uncertain_nodes(played: Iterable[Scenario]) -> frozenset[str]:
    """Nodes that are killed: the requests that they were at get no answer, and what they counted since their
    last record is lost. And those that have been started again by the time that Redis loses its data: of
    their earlier boots nobody else knows.
    """
    lost: set[str] = set()
    started_again: set[str] = set()
    for fault in (fault for scenario in played for step in scenario.steps for fault in step.faults):
        match fault:
            case NodeKilled():
                lost.add(fault.node_id)
            case NodeRestarted() | NodeClock():
                started_again.add(fault.node_id)
            case RedisKilled():
                lost |= started_again
    return frozenset(lost)
