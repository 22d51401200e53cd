"""Which usual rates a run on a cluster of our own can have."""

import pytest

from loadtest import cli, scenarios
from loadtest.scenarios import own_rates
from loadtest.scenarios.feasibility import MOST_PER_SECOND

SEEDS = range(20)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_at_any_possible_rate_no_seed_makes_a_scenario_what_it_does_not_say(name: str) -> None:
    rates = own_rates.possible([name])
    for rate in (rates[0], rates[-1]):
        assert all(own_rates.wrong(*scenarios.draw_all([name], seed, rate)) is None for seed in SEEDS)


def test_at_the_rates_that_are_drawn_all_scenarios_can_be_played() -> None:
    lowest, highest = scenarios.RATES_PER_SECOND
    assert {lowest, highest} <= set(own_rates.possible(scenarios.NAMES))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["spike_broad", "--rate", "600"], "650 are the most: take a --rate from 18 to 108"),
        (["steady", "ramp", "--rate", "163"], "650 are the most: take a --rate from 1 to 162"),
        (["hot_key", "--rate", "5"], "which is hardly any: take a --rate from 63 to 650"),
        (["steady", "--rate", "1000"], f"--rate: 1000 is not between 1 and {MOST_PER_SECOND}"),
    ],
)
def test_a_rate_that_cannot_be_sent_or_teaches_nothing_is_refused_before_anything_starts(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["run", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert printed.err.count("\n") == 1
