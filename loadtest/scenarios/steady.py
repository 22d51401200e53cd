"""The usual load: nothing is to be found."""

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "the usual load and no fault: nothing may be found"
SECONDS = 8.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """The rate differs by a few percent from the usual one."""
    factor = chance.uniform(0.92, 1.08)
    return Scenario(
        name="steady",
        injected=f"no fault: {setting.rate_per_second * factor:.0f} requests a second, evenly spread",
        steps=(Step(SECONDS, Load((setting.background(factor),))),),
        expected=(),
        calm_seconds=0.0,
    )
