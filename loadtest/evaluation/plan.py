"""Which runs an evaluation has: from seeds and intensities to scenarios on one cluster each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from math import ceil
from random import Random

from loadtest import scenarios
from loadtest.scenarios import Chance, Scenario, Setting
from loadtest.scenarios.chance import WHOLE, Part
from loadtest.scenarios.feasibility import MOST_PER_SECOND

CHOOSING, REPORTING = "choosing", "reporting"
FIRST_SEEDS = {CHOOSING: 1, REPORTING: 1001}
"""Thresholds are chosen on runs of the first, and what they are worth is said by runs of the others."""

SHORTEST_SECONDS = 12.0
"""So long does an anomaly last at least: longer than the worst time that finding it may take."""

LESS_PER_SECOND = 90
"""The usual rate where with another one a scenario would have more requests than one generator sends."""

SCENARIOS_A_RUN = 8
STARTING = ("node_kill", "node_flap", "node_twice", "clock_skew", "config_drift")
"""A node that is started again twice within a minute, by two of these, does come and go."""

OF_SHARES = ("skew", "two_at_once")
"""A node is compared with others from twenty seconds after its start on."""

START_SECONDS, CLEAR_SECONDS, BOOKS_SECONDS = 5.0, 7.0, 6.0
"""What a run takes besides its steps, about: to start, until each is over, and for its books."""


@dataclass(frozen=True, slots=True)
class Intensity:
    """How strong anomalies are, of their range, and how many requests a second are usual."""

    part: Part
    rate_per_second: int


INTENSITIES = {
    "low": Intensity((0.0, 1 / 3), 5),
    "medium": Intensity((1 / 3, 2 / 3), 90),
    "high": Intensity((2 / 3, 1.0), 300),
}
BENIGN = "benign"
BENIGN_RATES = (5, 20, 90, 150)
"""A ramp is four times as much."""
CHOOSING_BENIGN = 0.25
"""Of the benign traffic on the reporting seeds."""

LEAST_RATES = {
    **dict.fromkeys(("spike_broad", "spike_single", "skew", "traffic_drop", "two_at_once"), 20),
    **dict.fromkeys(("limit_breach", "retry_storm", "upstream_errors"), 20),
    "hot_key": 60,
}
"""Where fewer requests a second are usual, chance alone does what these do, or it is less than what
docs/detectors.md calls so."""


@dataclass(frozen=True, slots=True)
class Run:
    """Scenarios that are played one after the other on one cluster."""

    name: str
    purpose: str
    intensity: str
    rate_per_second: int
    scenarios: tuple[str, ...]

    @property
    def is_benign(self) -> bool:
        """Whether nothing may be found in it."""
        return self.intensity == BENIGN

    def drawn(self) -> tuple[Setting, int, tuple[Scenario, ...]]:
        """The setting, the seed of its load, and what is played: always the same."""
        part = WHOLE if self.is_benign else INTENSITIES[self.intensity].part
        chance = Chance.within(part, self.name)
        setting = scenarios.draw_setting(chance, self.rate_per_second)
        seed = chance.getrandbits(32)
        first = () if scenarios.FIRST in self.scenarios else (scenarios.warm_up(setting),)
        return setting, seed, (*first, *(scenarios.draw(name, setting, chance) for name in self.scenarios))

    @property
    def most_per_second(self) -> float:
        """The highest rate of its requests: what it asks of the machine."""
        _, _, played = self.drawn()
        return max(scenario.most_per_second for scenario in played)

    @property
    def seconds(self) -> float:
        """How long it takes, about."""
        _, _, played = self.drawn()
        return START_SECONDS + BOOKS_SECONDS + sum(map(_seconds, played))


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked for: seeds of each purpose, and minutes of benign traffic on the reporting ones, of
    which the choosing ones have a part. `only` names the scenarios, and `intensities` those of anomalies;
    empty: all.
    """

    choosing: int
    reporting: int
    benign_minutes: float
    only: Sequence[str] = ()
    intensities: Sequence[str] = ()

    def runs(self) -> tuple[Run, ...]:
        """All of them."""
        return (
            *self._of(REPORTING, self.reporting),
            *self._benign(REPORTING, self.benign_minutes if self.reporting else 0.0),
            *self._of(CHOOSING, self.choosing),
            *self._benign(CHOOSING, CHOOSING_BENIGN * self.benign_minutes if self.choosing else 0.0),
        )

    def takes(self, run: Run) -> bool:
        """Whether somebody's run, of any seed and length, has a scenario that is asked for."""
        is_strong = run.is_benign or not self.intensities or run.intensity in self.intensities
        return is_strong and bool(self._asked_for(run.scenarios))

    def _of(self, purpose: str, seeds: int) -> Iterator[Run]:
        for seed in range(FIRST_SEEDS[purpose], FIRST_SEEDS[purpose] + seeds):
            for name in self.intensities or INTENSITIES:
                yield from self._anomalies(purpose, seed, name)

    def _anomalies(self, purpose: str, seed: int, intensity: str) -> Iterator[Run]:
        by_rate: dict[int, list[str]] = {}
        for name in self._asked_for(scenarios.ANOMALIES):
            by_rate.setdefault(_rate(name, INTENSITIES[intensity]), []).append(name)
        for rate, names in sorted(by_rate.items()):
            for number, some in enumerate(_parts(names, Random(f"{seed} {intensity} {rate}")), 1):
                yield Run(f"{purpose}-{seed}-{intensity}-{rate}-{number}", purpose, intensity, rate, some)

    def _benign(self, purpose: str, minutes: float) -> Iterator[Run]:
        names = self._asked_for(scenarios.BENIGN)
        if not names:
            return
        seed, left = FIRST_SEEDS[purpose], 60 * minutes
        for number, rate in zip(count(1), cycle(BENIGN_RATES), strict=False):
            if left <= 0:
                return
            order = list(names)
            Random(f"{seed} {number}").shuffle(order)
            order.sort(key=lambda name: name != scenarios.FIRST)
            run = Run(f"{purpose}-{seed}-{BENIGN}-{rate}-{number}", purpose, BENIGN, rate, tuple(order))
            yield run
            left -= run.seconds - START_SECONDS - BOOKS_SECONDS

    def _asked_for(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if not self.only or name in self.only]


def _parts(names: Sequence[str], random: Random) -> Iterator[tuple[str, ...]]:
    """The scenarios of one run each, so that none stands in the shadow of another: at most two that start
    nodes, the first and the last of their run, and what is told by nodes' shares not next to the first."""
    starting = [name for name in names if name in STARTING]
    others = [name for name in names if name not in STARTING]
    parts = max(ceil(len(names) / SCENARIOS_A_RUN), ceil(len(starting) / 2))
    for part in range(parts):
        outer, inner = starting[part::parts], others[part::parts]
        random.shuffle(inner)
        inner.sort(key=lambda name: name in OF_SHARES)
        yield (*outer[:1], *inner, *outer[1:])


def _rate(name: str, intensity: Intensity) -> int:
    """The usual rate at which it is played."""
    rate = max(intensity.rate_per_second, LEAST_RATES.get(name, 0))
    chance = Chance.within((intensity.part[1],) * 2, name)
    scenario = scenarios.draw(name, scenarios.draw_setting(chance, rate), chance)
    return rate if scenario.most_per_second <= MOST_PER_SECOND else LESS_PER_SECOND


def _seconds(scenario: Scenario) -> float:
    """It ends early where all is found, as is expected."""
    steps = [step.seconds for step in scenario.steps]
    if not scenario.expected:
        return sum(steps) + scenario.calm_seconds
    before = sum(steps[: scenario.begins])
    return before + SHORTEST_SECONDS + max(scenario.calm_seconds, CLEAR_SECONDS)
