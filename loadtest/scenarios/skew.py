"""The load balancer sends most requests to one node."""

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "one node gets 70 to 85 % of the requests, as many as usual in all: node_skew"
SECONDS = 18.0
LOWEST_SHARE, HIGHEST_SHARE = 0.70, 0.85
OF_TWO = 0.80, 0.95
"""With two nodes it takes more for it to be a skew."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which node, and how much of the traffic it gets."""
    weakest, strongest = OF_TWO if len(setting.node_ids) == 2 else (LOWEST_SHARE, HIGHEST_SHARE)
    share = round(chance.strength(weakest, strongest), 2)
    node_id = chance.choice(setting.node_ids)
    rest = (1 - share) / max(1, len(setting.node_ids) - 1)
    weights = tuple(share if other == node_id else rest for other in setting.node_ids)
    return Scenario(
        name="skew",
        injected=f"{share * 100:.0f} % of the requests go to {node_id}",
        steps=(Step(SECONDS, Load((setting.background(node_weights=weights),))),),
        expected=(Sign("node_skew", "node", node_id),),
        allowed=tuple(Sign("traffic_drop", "node", other) for other in setting.node_ids if other != node_id),
    )
