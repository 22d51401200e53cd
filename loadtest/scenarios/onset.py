"""The first traffic of a cluster, all at once."""

from random import Random

from loadtest.load import IDLE
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "the usual load starts from nothing, before anything is known: nothing may be found"
IDLE_SECONDS = 4.0
SECONDS = 20.0


def draw(setting: Setting, random: Random) -> Scenario:
    """It leaves nothing to chance."""
    del random
    return Scenario(
        name="onset",
        injected=f"from nothing to {setting.rate_per_second:.0f} requests a second at once",
        steps=(Step(IDLE_SECONDS, IDLE), Step(SECONDS, setting.usual)),
        expected=(),
    )
