"""One client that is refused comes back at once."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "one client sends six to ten times its limit, whatever it is told: retry_storm"
SECONDS = 20.0
LOWEST_TIMES, HIGHEST_TIMES = 6.0, 10.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who, and how often."""
    client = chance.choice(setting.clients)
    rate = chance.strength(LOWEST_TIMES, HIGHEST_TIMES) * setting.limit.quota / setting.limit.period_seconds
    return Scenario(
        name="retry_storm",
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
