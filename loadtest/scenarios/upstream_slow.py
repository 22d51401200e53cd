"""The service behind takes long."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import UpstreamTroubled
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "the upstream takes 0.4 to 0.7 s: upstream_degraded"
SECONDS = 18.0
LOWEST_SECONDS, HIGHEST_SECONDS = 0.4, 0.7


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How long."""
    delay = round(chance.strength(LOWEST_SECONDS, HIGHEST_SECONDS), 2)
    return Scenario(
        name="upstream_slow",
        injected=f"the upstream answers {delay * 1000:.0f} ms later",
        steps=(Step(SECONDS, setting.usual, (UpstreamTroubled(delay_seconds=delay),)),),
        expected=(Sign("upstream_degraded", "cluster"),),
    )
