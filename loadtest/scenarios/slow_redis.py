"""Redis takes longer, but less than the nodes' deadline: all decisions are still by Redis."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import RedisSlow
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "Redis answers 56 to 72 ms later than usual, well within the nodes' deadline: store_slow"
SECONDS = 18.0
LOWEST_DELAY_MS, HIGHEST_DELAY_MS = 28, 36
"""Each way."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How much later."""
    delay_ms = chance.whole_strength(LOWEST_DELAY_MS, HIGHEST_DELAY_MS)
    step = Step(SECONDS, setting.usual, (RedisSlow(delay_ms / 1000),))
    return Scenario(
        name="slow_redis",
        injected=f"Redis answers {2 * delay_ms} ms later",
        steps=(step,),
        expected=(Sign("store_slow", "cluster"),),
    )
