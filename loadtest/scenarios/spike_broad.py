"""Everybody sends more."""

from dataclasses import replace
from random import Random

from loadtest.scenarios import spike
from loadtest.scenarios.scenario import Scenario, Setting

DESCRIPTION = "three to six times the requests, from all clients: spike_broad"


def draw(setting: Setting, random: Random) -> Scenario:
    """How high it is."""
    return replace(spike.broad(setting, spike.factor(random)), name="spike_broad")
