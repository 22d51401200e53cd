"""A node is gone from one moment to the next."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeKilled
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "a node gets SIGKILL, and the load balancer takes a moment to notice: node_down"
NOTICE_SECONDS = 1.0
SECONDS = 17.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which."""
    node_id = chance.choice(setting.node_ids)
    killed = (NodeKilled(node_id),)
    return Scenario(
        name="node_kill",
        injected=f"{node_id} is killed",
        steps=(Step(NOTICE_SECONDS, setting.usual, killed), Step(SECONDS, setting.without(node_id), killed)),
        expected=(Sign("node_down", "node", node_id),),
    )
