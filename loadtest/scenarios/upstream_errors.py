"""The service behind fails."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import UpstreamTroubled
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "the upstream fails 10 to 60 % of its requests: upstream_degraded"
SECONDS = 18.0
LOWEST_RATIO, HIGHEST_RATIO = 0.1, 0.6


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How many."""
    ratio = round(chance.strength(LOWEST_RATIO, HIGHEST_RATIO), 2)
    return Scenario(
        name="upstream_errors",
        injected=f"the upstream fails {ratio * 100:.0f} % of its requests",
        steps=(Step(SECONDS, setting.usual, (UpstreamTroubled(failing_ratio=ratio),)),),
        expected=(Sign("upstream_degraded", "cluster"),),
    )
