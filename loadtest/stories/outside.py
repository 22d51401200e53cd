"""What the product finds and cannot mend: the balancer in front of it, or the network to Redis."""

from dataclasses import replace

from loadtest.scenarios import Chance, Scenario, Setting, skew, slow_redis
from loadtest.scenarios.remedy import NodeRatio, Outside, Remedy, WaySeconds

MOST_RATIO = 0.5
"""Of the requests go at most to a node that has an even share: a third, and by chance somewhat more."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Which of them, and how strong."""
    return chance.choice((_uneven, _slow))(setting, chance)


def _uneven(setting: Setting, chance: Chance) -> Scenario:
    scenario = skew.draw(setting, chance)
    evened = Outside("the load balancer gives all nodes the same weight again")
    figure = NodeRatio(scenario.expected[0].id or "")
    return replace(scenario, remedy=Remedy(evened, figure, goal=MOST_RATIO))


def _slow(setting: Setting, chance: Chance) -> Scenario:
    mended = Outside("the network between the nodes and Redis is mended")
    return replace(
        slow_redis.draw(setting, chance),
        remedy=Remedy(mended, WaySeconds(), goal=slow_redis.LOWEST_DELAY_MS / 1000),
    )
