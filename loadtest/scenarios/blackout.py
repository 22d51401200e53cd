"""Neither Redis nor any node answers: the subject must not say that all is well."""

from loadtest.load import IDLE
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeFrozen, RedisFrozen
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "Redis and all nodes stand still: observer_blind"
DRAIN_SECONDS = 1.0
SECONDS = 14.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """It leaves nothing to chance. What comes after such a pause is a drop, and was one; and whoever looks
    while they wake may find nodes that answer, and a Redis that does not yet."""
    del chance
    frozen = tuple(NodeFrozen(node_id) for node_id in setting.node_ids)
    return Scenario(
        name="blackout",
        injected="Redis and all nodes stand still",
        steps=(Step(DRAIN_SECONDS, IDLE), Step(SECONDS, IDLE, (RedisFrozen(), *frozen))),
        expected=(Sign("observer_blind", "cluster"),),
        allowed=(Sign("traffic_drop", "cluster"), Sign("store_down", "cluster")),
        begins=1,
    )
