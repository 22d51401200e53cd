import pytest

from loadtest.bench import figures
from loadtest.bench.aims import AIMS, Aim
from loadtest.bench.contest import takes_part
from loadtest.bench.peers.all import PEERS
from loadtest.bench.results import Spread
from loadtest.bench.scenarios import SCENARIOS
from tests.unit.loadtest.bench.measurements import measured, results

ALLOWED = Aim("allowed", "allowed", 0.5, ("textbook", "allowed"))


def test_a_ratio_is_that_of_measurements_of_the_same_round() -> None:
    found = results(
        {
            ("ours", "allowed"): [measured(cpu_us=10), measured(cpu_us=40), measured(cpu_us=30)],
            ("textbook", "allowed"): [measured(cpu_us=100), measured(cpu_us=200), measured(cpu_us=100)],
        }
    )

    assert ALLOWED.found(found) == Spread(0.2, 0.1, 0.3)


def test_a_figure_in_its_own_unit_needs_no_other() -> None:
    aim = Aim("p99", "at-half", 3.0, figure=figures.p99, unit=" ms")

    assert aim.found(results({("ours", "at-half"): [measured(p99_ms=4)]})) == Spread(4, 4, 4)


@pytest.mark.parametrize("present", [("ours", "allowed"), ("textbook", "allowed")])
def test_nothing_is_said_of_what_was_measured_on_one_side_only(present: tuple[str, str]) -> None:
    assert ALLOWED.found(results({present: [measured()]})) is None


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.what)
def test_both_sides_of_an_aim_are_measured_in_a_whole_run(aim: Aim) -> None:
    peers = {peer.name: peer for peer in PEERS}
    scenarios = {scenario.name: scenario for scenario in SCENARIOS}
    sides = [(aim.peer, aim.scenario), *([aim.to] if aim.to else [])]

    assert all(takes_part(peers[peer], scenarios[scenario]) for peer, scenario in sides)
