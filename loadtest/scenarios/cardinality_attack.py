"""Somebody makes up a key for each request."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "60 to 150 requests a second, each under a key of its own: cardinality_attack"
SECONDS = 18.0
LOWEST_RATE, HIGHEST_RATE = 60, 150


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How many."""
    rate = chance.whole_strength(LOWEST_RATE, HIGHEST_RATE)
    return Scenario(
        name="cardinality_attack",
        injected=f"{rate} requests a second more, each under a new key",
        steps=(Step(SECONDS, Load((setting.background(), Stream(rate, ())))),),
        expected=(Sign("cardinality_attack", "cluster"),),
        allowed=(Sign("spike_broad", "cluster"),),
    )
