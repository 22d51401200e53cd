"""The load grows, as it does in the morning, only faster."""

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "four times the load within a minute, step by step: nothing may be found"
STEPS = 60
SECONDS = 60.0
FACTOR = 4.0
STAYS_SECONDS = 10.0
CALM_SECONDS = 90.0
"""What is usual has risen with it, and next to that less is a drop."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """It leaves nothing to chance."""
    del chance
    factors = [1 + (FACTOR - 1) * step / STEPS for step in range(1, STEPS + 1)]
    steps = [Step(SECONDS / STEPS, Load((setting.background(factor),))) for factor in factors]
    return Scenario(
        name="ramp",
        injected=f"no fault: {FACTOR:g} times the load within {SECONDS:.0f} s",
        steps=(*steps, Step(STAYS_SECONDS, Load((setting.background(FACTOR),)))),
        expected=(),
        calm_seconds=CALM_SECONDS,
    )
