"""Most of the traffic is one client's, within its limit."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "one client makes up 60 to 75 % of the requests, within its limit: hot_key"
NAME = "hot_key"
SECONDS = 18.0
OF_LIMIT = 0.8
MOST_OF_USUAL = 0.45
"""However high its limit is: with all others it is less than what is usual."""

LOWEST_SHARE, HIGHEST_SHARE = 0.60, 0.75


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who, and which part of the traffic is its."""
    client = chance.choice(setting.clients)
    share = round(chance.strength(LOWEST_SHARE, HIGHEST_SHARE), 2)
    most = min(OF_LIMIT * setting.limit_per_second, setting.bearable_per_second)
    rate = min(most, MOST_OF_USUAL * setting.rate_per_second)
    rest = rate * (1 - share) / share
    load = Load((setting.background(rest / setting.rate_per_second), Stream(rate, (client.key,))))
    return Scenario(
        name=NAME,
        injected=f"{share * 100:.0f} % of the requests are from {client.id}",
        steps=(Step(SECONDS, load),),
        expected=(Sign("hot_key", "client", client.id),),
    )
