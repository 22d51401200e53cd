"""A node enforces another limit than the rest."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeRestarted
from loadtest.scenarios.scenario import DRAIN_SECONDS, FLAP_SECONDS, Scenario, Setting, Sign, Step

DESCRIPTION = "a node is started with another limit than the others: config_drift"
SECONDS = 18.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which. Its limit is lower, so that the others' still holds."""
    node_id = chance.choice(setting.node_ids)
    load = setting.without(node_id)
    lower = f"{setting.limit.quota // 2}/{setting.limit.period_seconds}s"
    drifted = NodeRestarted(node_id, (("GATEWAY_DEFAULT_LIMIT", lower),))
    return Scenario(
        name="config_drift",
        injected=f"{node_id} is started again with a limit of {lower}",
        steps=(Step(DRAIN_SECONDS, load), Step(SECONDS, load, (drifted,))),
        expected=(Sign("config_drift", "node", node_id),),
        allowed=(Sign("node_flapping", "node", node_id),),
        begins=1,
        clear_seconds=FLAP_SECONDS,
    )
