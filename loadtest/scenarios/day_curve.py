"""A day: the load falls towards the night and rises towards noon."""

from math import cos, tau

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "a day in a minute and a half, at night a third of the load: nothing may be found"
STEPS = 90
SECONDS = 90.0
NIGHT = 1 / 3


def draw(setting: Setting, chance: Chance) -> Scenario:
    """It leaves nothing to chance, and starts at noon."""
    del chance
    middle, height = (1 + NIGHT) / 2, (1 - NIGHT) / 2
    factors = [middle + height * cos(tau * step / STEPS) for step in range(1, STEPS + 1)]
    return Scenario(
        name="day_curve",
        injected=f"no fault: a day in {SECONDS:.0f} s, at night a third of the load",
        steps=tuple(Step(SECONDS / STEPS, Load((setting.background(factor),))) for factor in factors),
        expected=(),
    )
