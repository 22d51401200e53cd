"""All nodes are started again in order, one after the other."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeRestarted
from loadtest.scenarios.scenario import DRAIN_SECONDS, Scenario, Setting, Step

DESCRIPTION = "each node leaves in order and is started again, one after the other: nothing may be found"
BETWEEN_SECONDS = 4.0
SECONDS = 12.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """In which order."""
    order = chance.sample(setting.node_ids, len(setting.node_ids))
    steps: list[Step] = []
    for node_id in order:
        steps.append(Step(DRAIN_SECONDS, setting.without(node_id)))
        steps.append(Step(DRAIN_SECONDS, setting.without(node_id), (NodeRestarted(node_id),)))
        steps.append(Step(BETWEEN_SECONDS, setting.usual))
    return Scenario(
        name="rolling_restart",
        injected=f"{', '.join(order)} leave in order and are started again",
        steps=(*steps, Step(SECONDS, setting.usual)),
        expected=(),
    )
