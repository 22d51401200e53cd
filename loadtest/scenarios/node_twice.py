"""Two gateways run under one id."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeTwice
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "another gateway is started with the id of one that runs: node_id_conflict"
SECONDS = 16.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which."""
    node_id = chance.choice(setting.node_ids)
    return Scenario(
        name="node_twice",
        injected=f"a second gateway is {node_id}",
        steps=(Step(SECONDS, setting.usual, (NodeTwice(node_id),)),),
        expected=(Sign("node_id_conflict", "node", node_id),),
    )
