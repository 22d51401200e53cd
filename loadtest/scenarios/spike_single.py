"""One client sends several times what all others send."""

from dataclasses import replace

from loadtest.scenarios import spike
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting

DESCRIPTION = "three to six times the requests, all the excess from one client: spike_single"


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who causes it, and how high it is."""
    factor = spike.factor(chance)
    return replace(spike.single(setting, factor, chance.choice(setting.clients)), name="spike_single")
