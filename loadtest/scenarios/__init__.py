"""The scenarios by name, and how a run draws them from a seed."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.limits import Limit
from loadtest.load import Load
from loadtest.scenarios import (
    bad_override,
    blackout,
    bursty,
    cardinality_attack,
    clock_skew,
    config_drift,
    day_curve,
    eviction,
    hot_key,
    limit_breach,
    node_flap,
    node_kill,
    node_twice,
    onset,
    poisson,
    ramp,
    redis_cut_off,
    redis_down,
    retry_storm,
    rolling_restart,
    skew,
    slow_redis,
    spike,
    spike_broad,
    spike_single,
    steady,
    traffic_drop,
    two_at_once,
    upstream_errors,
    upstream_slow,
)
from loadtest.scenarios.chance import Chance
from loadtest.scenarios.feasibility import needs_processes
from loadtest.scenarios.scenario import Client, Scenario, Setting, Sign, Step

__all__ = [
    "ANOMALIES",
    "BENIGN",
    "DESCRIPTIONS",
    "FAULTS",
    "FIRST",
    "NAMES",
    "WARM_UP",
    "Chance",
    "Client",
    "Scenario",
    "Setting",
    "Sign",
    "Step",
    "draw",
    "draw_all",
    "draw_setting",
    "first_load",
    "warm_up",
]


class _Drawn(Protocol):
    """A scenario's module."""

    DESCRIPTION: str

    def draw(self, setting: Setting, chance: Chance) -> Scenario:
        """With what it leaves to chance."""


_BY_NAME: dict[str, _Drawn] = {
    "steady": steady,
    "spike": spike,
    "skew": skew,
    "slow_redis": slow_redis,
    "onset": onset,
    "poisson": poisson,
    "bursty": bursty,
    "ramp": ramp,
    "day_curve": day_curve,
    "rolling_restart": rolling_restart,
    "spike_broad": spike_broad,
    "spike_single": spike_single,
    "limit_breach": limit_breach,
    "retry_storm": retry_storm,
    "hot_key": hot_key,
    "cardinality_attack": cardinality_attack,
    "traffic_drop": traffic_drop,
    "redis_down": redis_down,
    "redis_cut_off": redis_cut_off,
    "eviction": eviction,
    "node_kill": node_kill,
    "node_flap": node_flap,
    "node_twice": node_twice,
    "clock_skew": clock_skew,
    "config_drift": config_drift,
    "bad_override": bad_override,
    "upstream_slow": upstream_slow,
    "upstream_errors": upstream_errors,
    "two_at_once": two_at_once,
    "blackout": blackout,
}
NAMES = tuple(_BY_NAME)
BENIGN = ("steady", "onset", "poisson", "bursty", "ramp", "day_curve", "rolling_restart")
"""Those in which nothing may be found."""
ANOMALIES = tuple(name for name in NAMES if name not in BENIGN and name != "spike")
"""Each of the others once; a `spike` is one of two of them."""


DESCRIPTIONS = {name: module.DESCRIPTION for name, module in _BY_NAME.items()}

NODES = 3
CLIENTS = 30
WARM_UP = "warm-up"
WARM_UP_SECONDS = 18.0
"""Anomalies are told from a baseline of at least 15 seconds with traffic."""

RATES_PER_SECOND = (80, 100)
FIRST_FACTOR = 0.05
LIMIT = Limit(300, 10)
"""Far from the background's reach (some 3 requests a second each) also in the highest broad spike."""

LIMIT_TO_RATE = 1 / 3
LEAST_QUOTA = 50
"""Where the usual rate is another one, so is the limit: what goes to it is as much of the traffic."""

STORE_DEADLINE_SECONDS = 0.5
"""Ten times the default: load, cluster and observer share one machine, perhaps a busy one, and a node that
waited for a processor must not take it for an outage of Redis."""


def draw_setting(random: Random, rate_per_second: float | None = None) -> Setting:
    """Clients with fresh keys, and a usual rate, if it is not given."""
    limit = LIMIT
    if rate_per_second is not None:
        quota = round(rate_per_second * LIMIT.period_seconds * LIMIT_TO_RATE)
        limit = Limit(max(LEAST_QUOTA, quota), LIMIT.period_seconds)
    keys = [f"demo-{random.getrandbits(64):016x}" for _ in range(CLIENTS)]
    return Setting(
        node_ids=tuple(f"node-{number}" for number in range(1, NODES + 1)),
        clients=tuple(Client(key, unknown_client_id(key, DEFAULT_SECRET)) for key in keys),
        rate_per_second=rate_per_second or random.uniform(*RATES_PER_SECOND),
        limit=limit,
        store_deadline_seconds=STORE_DEADLINE_SECONDS,
    )


FIRST = "onset"
"""What can only be the first of a run; it is a warm-up itself."""


def first_load(setting: Setting) -> Load:
    """So little that it teaches nothing: it shows that the load flows."""
    return Load((setting.background(FIRST_FACTOR),))


def warm_up(setting: Setting) -> Scenario:
    """What goes before all others: the usual load, long enough to tell an anomaly from it."""
    step = Step(WARM_UP_SECONDS, setting.usual)
    return Scenario(WARM_UP, "the subject learns what is usual", (step,), expected=(), calm_seconds=0.0)


def draw_all(
    names: Sequence[str], seed: int, rate_per_second: float | None = None
) -> tuple[Setting, list[Scenario]]:
    """A run of these on a cluster of our own, after a warm-up where the first is none itself."""
    chance = Chance(seed)
    setting = draw_setting(chance, rate_per_second)
    first = () if names[0] == FIRST else (warm_up(setting),)
    return setting, [*first, *(draw(name, setting, chance) for name in names)]


def _takes_processes() -> tuple[str, ...]:
    setting = draw_setting(Random(0))
    return tuple(name for name in NAMES if needs_processes(draw(name, setting, Chance(0))))


def draw(name: str, setting: Setting, chance: Chance) -> Scenario:
    """The scenario of that name with what it leaves to chance."""
    return _BY_NAME[name].draw(setting, chance)


FAULTS = _takes_processes()
"""Those that take the processes of a cluster, and not only load."""
