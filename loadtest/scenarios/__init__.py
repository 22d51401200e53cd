"""The scenarios by name, and how a run draws them from a seed."""

from collections.abc import Callable
from random import Random

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from gateway.contract.limits import Limit
from loadtest.load import Load
from loadtest.scenarios import skew, slow_redis, spike, steady
from loadtest.scenarios.scenario import Client, Scenario, Setting, Sign, Step

__all__ = [
    "DESCRIPTIONS",
    "NAMES",
    "WARM_UP",
    "Client",
    "Scenario",
    "Setting",
    "Sign",
    "Step",
    "draw",
    "draw_setting",
    "warm_up",
]

_DRAW: dict[str, Callable[[Setting, Random], Scenario]] = {
    "steady": steady.draw,
    "spike": spike.draw,
    "skew": skew.draw,
    "slow_redis": slow_redis.draw,
}
NAMES = tuple(_DRAW)
DESCRIPTIONS = {
    "steady": steady.DESCRIPTION,
    "spike": spike.DESCRIPTION,
    "skew": skew.DESCRIPTION,
    "slow_redis": slow_redis.DESCRIPTION,
}

NODES = 3
CLIENTS = 30
WARM_UP = "warm-up"
WARM_UP_SECONDS = 18.0
"""Anomalies are told from a baseline of at least 15 seconds with traffic."""

RATES_PER_SECOND = (80, 100)
LIMIT = Limit(300, 10)
"""Far from the background's reach (some 3 requests a second each) also in the highest broad spike."""

STORE_DEADLINE_SECONDS = 0.5
"""Ten times the default: load, cluster and observer share one machine, perhaps a busy one, and a node that
waited for a processor must not take it for an outage of Redis."""


def draw_setting(random: Random) -> Setting:
    """Clients with fresh keys, and a usual rate."""
    keys = [f"demo-{random.getrandbits(64):016x}" for _ in range(CLIENTS)]
    return Setting(
        node_ids=tuple(f"node-{number}" for number in range(1, NODES + 1)),
        clients=tuple(Client(key, unknown_client_id(key, DEFAULT_SECRET)) for key in keys),
        rate_per_second=random.uniform(*RATES_PER_SECOND),
        limit=LIMIT,
        store_deadline_seconds=STORE_DEADLINE_SECONDS,
    )


def warm_up(setting: Setting) -> Scenario:
    """What goes before all others: the usual load, long enough to tell an anomaly from it."""
    step = Step(WARM_UP_SECONDS, Load((setting.background(),)))
    return Scenario(WARM_UP, "the subject learns what is usual", (step,), expected=())


def draw(name: str, setting: Setting, random: Random) -> Scenario:
    """The scenario of that name with what it leaves to chance."""
    return _DRAW[name](setting, random)
