"""Hardly anything comes any more."""

from loadtest.load import Load
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "only 0 to 8 % of the usual requests come: traffic_drop"
SECONDS = 16.0
HIGHEST_FACTOR = 0.08


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How many are left."""
    factor = round(chance.strength(HIGHEST_FACTOR, 0.0), 2)
    return Scenario(
        name="traffic_drop",
        injected=f"{factor * 100:.0f} % of the usual requests are left",
        steps=(Step(SECONDS, Load((setting.background(factor),))),),
        expected=(Sign("traffic_drop", "cluster"),),
    )
