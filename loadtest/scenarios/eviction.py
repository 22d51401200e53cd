"""Redis has no more room, and somebody else takes it."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import RedisFull
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "a neighbour fills a Redis that has little room left: store_evicting"
SECONDS = 18.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """It leaves nothing to chance."""
    del chance
    return Scenario(
        name="eviction",
        injected="Redis may use 2 MB more than it does, and a neighbour writes 2 MB a second",
        steps=(Step(SECONDS, setting.usual, (RedisFull(),)),),
        expected=(Sign("store_evicting", "cluster"),),
    )
