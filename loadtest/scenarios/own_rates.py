"""Which usual rates scenarios can have on a cluster of our own, where limits follow from the rate."""

from collections.abc import Sequence

from loadtest import scenarios
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.feasibility import MOST_PER_SECOND, why_not
from loadtest.scenarios.scenario import Scenario, Setting


class _Weakest(Chance):
    """Whatever is drawn from a range is its beginning."""

    def uniform(self, a: float, b: float) -> float:
        del b
        return a

    def randint(self, a: int, b: int) -> int:
        del b
        return a


class _Strongest(Chance):
    """Whatever is drawn from a range is its end."""

    def uniform(self, a: float, b: float) -> float:
        del a
        return b

    def randint(self, a: int, b: int) -> int:
        del a
        return b


def wrong(setting: Setting, drawn: Sequence[Scenario]) -> str | None:
    """Why these would not be what they say, and which rates would do with any seed; None where they are."""
    for scenario in drawn:
        if (reason := why_not(scenario, setting, takes_new_keys=True)) is not None:
            rates = possible([scenario.name for scenario in drawn if scenario.name in scenarios.NAMES])
            return f"{reason.scenario} {reason.why}: take a --rate from {rates[0]} to {rates[-1]}"
    return None


def possible(names: Sequence[str]) -> range:
    """From the lowest to the highest at which each is what it says, as weak or as strong as it may be."""
    usual = round(sum(scenarios.RATES_PER_SECOND) / len(scenarios.RATES_PER_SECOND))
    lowest, highest = usual, usual
    while lowest > 1 and _can_be(names, lowest - 1):
        lowest -= 1
    while highest < MOST_PER_SECOND and _can_be(names, highest + 1):
        highest += 1
    return range(lowest, highest + 1)


def _can_be(names: Sequence[str], rate_per_second: int) -> bool:
    for chance in (_Weakest(0), _Strongest(0)):
        setting = scenarios.draw_setting(chance, rate_per_second)
        played = (scenarios.warm_up(setting), *(scenarios.draw(name, setting, chance) for name in names))
        if any(why_not(scenario, setting, takes_new_keys=True) for scenario in played):
            return False
    return True
