"""The first traffic of a cluster, all at once."""

from loadtest.load import IDLE
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "the usual load starts from nothing, before anything is known: nothing may be found"
IDLE_SECONDS = 4.0
SECONDS = 20.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """It leaves nothing to chance."""
    del chance
    return Scenario(
        name="onset",
        injected=f"from nothing to {setting.rate_per_second:.0f} requests a second at once",
        steps=(Step(IDLE_SECONDS, IDLE), Step(SECONDS, setting.usual)),
        expected=(),
    )
