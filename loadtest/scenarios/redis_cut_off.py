"""One node does not reach Redis in time, and decides by itself; for the others all is well."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import RedisSlow
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "for one node Redis answers later than its deadline: fallback_active"
SECONDS = 18.0
LOWEST_TIMES, HIGHEST_TIMES = 0.6, 0.9
"""Each way, of the deadline: together they are over it."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which node, and how late."""
    node_id = chance.choice(setting.node_ids)
    delay = round(setting.store_deadline_seconds * chance.strength(LOWEST_TIMES, HIGHEST_TIMES), 2)
    return Scenario(
        name="redis_cut_off",
        injected=f"Redis answers {node_id} {2000 * delay:.0f} ms later, which is past its deadline",
        steps=(Step(SECONDS, setting.usual, (RedisSlow(delay, (node_id,)),)),),
        expected=(Sign("fallback_active", "node", node_id),),
        allowed=(Sign("store_slow", "cluster"), Sign("store_slow", "node", node_id)),
    )
