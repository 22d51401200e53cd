"""Clients that send some requests at once, and then none for a while."""

from dataclasses import replace

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "the usual rate, in bursts of 4 to 8 requests of one client: nothing may be found"
SECONDS = 25.0
SMALLEST, LARGEST = 4, 8


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How large the bursts are."""
    burst = chance.whole_strength(SMALLEST, LARGEST)
    return Scenario(
        name="bursty",
        injected=f"no fault: {setting.rate_per_second:.0f} requests a second in bursts of {burst}",
        steps=(Step(SECONDS, Load((replace(setting.background(), burst=burst),))),),
        expected=(),
    )
