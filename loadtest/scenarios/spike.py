"""Several times the usual requests: from everybody, or all the excess from one client."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Client, Scenario, Setting, Sign, Step

DESCRIPTION = "three to six times the requests, from all clients or from one: spike_broad or spike_single"
SECONDS = 18.0
SOON_SECONDS = 6.0
LOWEST_FACTOR, HIGHEST_FACTOR = 3.0, 6.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who causes it, and how high it is."""
    height = factor(chance)
    is_broad = chance.choice((True, False))
    client = chance.choice(setting.clients)
    return broad(setting, height) if is_broad else single(setting, height, client)


def factor(chance: Chance) -> float:
    """How many times the usual requests."""
    return round(chance.strength(LOWEST_FACTOR, HIGHEST_FACTOR), 1)


def broad(setting: Setting, factor: float) -> Scenario:
    """All clients send more, each still within its limit."""
    return Scenario(
        name="spike",
        injected=f"{factor:g} times the usual requests, from all clients alike",
        steps=(Step(SECONDS, Load((setting.background(factor),))),),
        expected=(Sign("spike_broad", "cluster"),),
    )


def single(setting: Setting, factor: float, client: Client) -> Scenario:
    """One client sends all the excess. Far more than its limit, as a rule; so most requests are refused."""
    excess = Stream(setting.rate_per_second * (factor - 1), (client.key,))
    breach = Sign("limit_breach", "client", client.id)
    is_breach = setting.fill_seconds(excess.rate_per_second) <= SOON_SECONDS
    return Scenario(
        name="spike",
        injected=f"{factor:g} times the usual requests, all the excess from client {client.id}",
        steps=(Step(SECONDS, Load((setting.background(), excess))),),
        expected=(Sign("spike_single", "client", client.id), *((breach,) if is_breach else ())),
        allowed=(
            *(() if is_breach else (breach,)),
            Sign("limit_breach", "cluster"),
            Sign("retry_storm", "client", client.id),
            Sign("hot_key", "client", client.id),
        ),
    )
