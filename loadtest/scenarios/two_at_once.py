"""Two things that have nothing to do with each other."""

from loadtest.load import Load
from loadtest.scenarios import skew, slow_redis, upstream_errors
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "a skew, and at once a slow Redis or a failing upstream: both are found"
SECONDS = 20.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which two."""
    load = skew.draw(setting, chance)
    fault = chance.choice((slow_redis, upstream_errors)).draw(setting, chance)
    streams = load.steps[0].load.streams
    return Scenario(
        name="two_at_once",
        injected=f"{load.injected}, and {fault.injected}",
        steps=(Step(SECONDS, Load(streams), fault.steps[0].faults),),
        expected=(*load.expected, *fault.expected),
        allowed=load.allowed,
        problems=2,
    )
