"""A node's wall clock is wrong."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import NodeClock
from loadtest.scenarios.scenario import DRAIN_SECONDS, FLAP_SECONDS, Scenario, Setting, Sign, Step

DESCRIPTION = "a node is started with a clock that is 2 to 600 s off (needs libfaketime): clock_skew"
SECONDS = 14.0
LOWEST_SECONDS, HIGHEST_SECONDS = 2, 600


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which, and how far off."""
    node_id = chance.choice(setting.node_ids)
    off = chance.choice((1, -1)) * chance.whole_strength(LOWEST_SECONDS, HIGHEST_SECONDS)
    load = setting.without(node_id)
    return Scenario(
        name="clock_skew",
        injected=f"{node_id} is started again with a clock that is {off:+d} s off",
        steps=(Step(DRAIN_SECONDS, load), Step(SECONDS, load, (NodeClock(node_id, off),))),
        expected=(Sign("clock_skew", "node", node_id),),
        allowed=(Sign("node_flapping", "node", node_id),),
        begins=1,
        clear_seconds=FLAP_SECONDS,
    )
