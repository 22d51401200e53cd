"""Everybody sends more."""

from dataclasses import replace

from loadtest.scenarios import spike
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.scenario import Scenario, Setting

DESCRIPTION = "three to six times the requests, from all clients: spike_broad"


def draw(setting: Setting, chance: Chance) -> Scenario:
    """How high it is."""
    return replace(spike.broad(setting, spike.factor(chance)), name="spike_broad")
