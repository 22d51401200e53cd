"""A node that ends again and again, and is started again each time."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeKilled
from loadtest.scenarios.scenario import FLAP_SECONDS, Scenario, Setting, Sign, Step

DESCRIPTION = "a node gets SIGKILL three times in a row, and is started again each time: node_flapping"
CRASHES = 3
UP_SECONDS = 3.0
DOWN_SECONDS = 1.0
SECONDS = 12.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which."""
    node_id = chance.choice(setting.node_ids)
    load = setting.without(node_id)
    crash = (Step(DOWN_SECONDS, load, (NodeKilled(node_id),)), Step(UP_SECONDS, load))
    return Scenario(
        name="node_flap",
        injected=f"{node_id} is killed {CRASHES} times, and started again each time",
        steps=(*(crash * CRASHES), Step(SECONDS, load)),
        expected=(Sign("node_flapping", "node", node_id),),
        allowed=(Sign("node_down", "node", node_id),),
        begins=2 * CRASHES - 1,  # it serves for the third time
        clear_seconds=FLAP_SECONDS,
    )
