"""One client sends twice what it may, while others send less: the cluster has no more to do than usual."""

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "one client sends twice its limit, and no more comes in all than usual: limit_breach"
FILL_SECONDS = 6.0
SECONDS = 16.0
TIMES_LIMIT = 2.0
LEAST_RATE = 4.0
"""Twice a small limit is too few requests for anybody to notice."""

REST = 0.5


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who."""
    client = chance.choice(setting.clients)
    rate = max(TIMES_LIMIT * setting.limit_per_second, LEAST_RATE)
    times = rate / setting.limit_per_second
    fill_seconds = max(FILL_SECONDS, setting.fill_seconds(rate) + 1)
    load = Load((setting.background(REST), Stream(rate, (client.key,))))
    return Scenario(
        name="limit_breach",
        injected=f"{client.id} sends {rate:.0f} requests a second, {times:.2g} times what it may",
        steps=(Step(fill_seconds, load), Step(SECONDS, load)),
        expected=(Sign("limit_breach", "client", client.id),),
        allowed=(
            Sign("hot_key", "client", client.id),
            Sign("limit_breach", "cluster"),
            Sign("retry_storm", "client", client.id),  # between a full window and its end all is refused
        ),
        begins=1,  # the window is full, and refusals have begun
    )
