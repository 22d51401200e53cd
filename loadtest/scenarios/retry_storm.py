"""One client that is refused comes back at once."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "one client sends six to ten times its limit, whatever it is told: retry_storm"
NAME = "retry_storm"
SECONDS = 20.0
LOWEST_TIMES, HIGHEST_TIMES = 6.0, 10.0
LEAST_RATE = 14.0
"""Less is no storm, however small the limit is."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who, and how often."""
    client = chance.choice(setting.clients)
    rate = max(chance.strength(LOWEST_TIMES, HIGHEST_TIMES) * setting.limit_per_second, LEAST_RATE)
    return Scenario(
        name=NAME,
        injected=f"{client.id} sends {rate:.0f} requests a second, and does not wait when it is refused",
        steps=(Step(SECONDS, Load((setting.background(), Stream(rate, (client.key,))))),),
        expected=(Sign("retry_storm", "client", client.id),),
        allowed=(
            Sign("limit_breach", "client", client.id),
            Sign("limit_breach", "cluster"),
            Sign("spike_single", "client", client.id),
            Sign("hot_key", "client", client.id),
        ),
    )
