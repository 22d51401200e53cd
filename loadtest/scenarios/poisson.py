"""Clients of very different size, who send when it suits them."""

from collections.abc import Sequence

from loadtest.load import Load, Stream
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting, Step

DESCRIPTION = "the usual rate, the n-th client sends 1/n as much as the first: nothing may be found"
SECONDS = 25.0
EXPONENT = 0.8
"""A Zipf law: the first has some 15 % of the traffic."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who is the first, the second and so on."""
    order = chance.sample(setting.clients, len(setting.clients))
    shares = [1 / place**EXPONENT for place in range(1, len(order) + 1)]
    rates = [setting.rate_per_second * share / sum(shares) for share in shares]
    rates = capped(rates, setting.bearable_per_second)
    streams = tuple(Stream(rate, (client.key,)) for rate, client in zip(rates, order, strict=True))
    return Scenario(
        name="poisson",
        injected=f"no fault: {setting.rate_per_second:.0f} requests a second of clients of different size",
        steps=(Step(SECONDS, Load(streams)),),
        expected=(),
    )


def capped(rates: Sequence[float], most: float) -> list[float]:
    """As much in all as before, as far as that goes, but none more than this: where one has to send less, the
    others send more, in proportion."""
    wanted, found = sum(rates), list(rates)
    for _ in rates:
        excess = wanted - sum(min(rate, most) for rate in found)
        below = sum(rate for rate in found if rate < most)
        if excess <= 0 or not below:
            break
        found = [most if rate >= most else rate * (1 + excess / below) for rate in found]
    return [min(rate, most) for rate in found]
