"""One client sends several times what all others send."""

from dataclasses import replace
from random import Random

from loadtest.scenarios import spike
from loadtest.scenarios.scenario import Scenario, Setting

DESCRIPTION = "three to six times the requests, all the excess from one client: spike_single"


def draw(setting: Setting, random: Random) -> Scenario:
    """Who causes it, and how high it is."""
    factor = spike.factor(random)
    return replace(spike.single(setting, factor, random.choice(setting.clients)), name="spike_single")
