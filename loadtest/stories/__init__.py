"""What the demo shows: scenarios with what an operator does about each, in an order drawn from a seed."""

from random import Random

from gateway.contract.limits import Limit
from loadtest import scenarios
from loadtest.scenarios import Chance, Client, Scenario, Setting, steady
from loadtest.stories import outside, over_limit, runaway

FREE, PAID = over_limit.PLAN, runaway.PLAN
CLIENTS = 30
ON_FREE = 20
PLANS = {FREE: Limit(50, 5), PAID: Limit(2000, 5)}
"""Both far from what a client usually sends, some 3 requests a second; and what is paid for is more than any
client sends here, so that its spike goes through."""


def draw_setting(chance: Chance) -> Setting:
    """Registered clients, two thirds of them on the plan that costs nothing."""
    usual = scenarios.draw_setting(chance)
    clients = (
        Client(
            f"demo-{chance.getrandbits(64):016x}",
            f"client-{number:02d}",
            FREE if number <= ON_FREE else PAID,
        )
        for number in range(1, CLIENTS + 1)
    )
    return Setting(
        node_ids=usual.node_ids,
        clients=tuple(clients),
        rate_per_second=usual.rate_per_second,
        limit=PLANS[FREE],
        store_deadline_seconds=usual.store_deadline_seconds,
        plans=PLANS,
    )


def draw_all(seed: int) -> tuple[Setting, list[Scenario]]:
    """A warm-up; then a client over its limit, one out of hand, something that is outside, and a calm."""
    chance = Chance(seed)
    setting = draw_setting(chance)
    drawn = [
        over_limit.draw(setting, chance),
        runaway.draw(setting, chance),
        outside.draw(setting, chance),
        steady.draw(setting, chance),
    ]
    Random(f"order {seed}").shuffle(drawn)
    return setting, [scenarios.warm_up(setting), *drawn]
