"""The usual load of a run on a cluster that has limits of its own."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from random import SystemRandom

from gateway.contract.limits import Limits
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.front import Front
from loadtest.elsewhere.target import TargetError
from loadtest.scenarios import Client, Setting
from loadtest.scenarios.spike import HIGHEST_FACTOR

RATE_PER_SECOND = 30.0
"""Little, since it is somebody's cluster; and enough for all but a few scenarios."""

LEAST_CLIENTS, MOST_CLIENTS = 30, 2000
STORE_DEADLINE_SECONDS = 0.05
"""Nobody needs it without faults."""


def made_up_keys(facts: Facts, rate_per_second: float) -> list[str]:
    """As many as it takes for none to be refused in the highest spike of all. New ones for each run: what an
    earlier one sent is no part of this one's windows.

    Raises:
        TargetError: so many cannot be.
    """
    if facts.address_limit is not None:
        raise TargetError(
            f"keys that are not registered have {facts.address_limit} together by their address here: give "
            "registered ones with --keys FILE"
        )
    bearable = of_limits((), (), rate_per_second, facts.default).bearable_per_second
    number = max(LEAST_CLIENTS, ceil(HIGHEST_FACTOR * rate_per_second / bearable))
    if number > MOST_CLIENTS:
        raise TargetError(
            f"with {facts.default} a client it takes {number:,} of them for {rate_per_second:g} requests a "
            f"second and what is put on top, and {MOST_CLIENTS:,} are the most: take a lower --rate"
        )
    chance = SystemRandom()
    return [f"loadtest-{chance.getrandbits(64):016x}" for _ in range(number)]


def setting_of(clients: Sequence[Client], facts: Facts, front: Front, rate_per_second: float) -> Setting:
    """With those clients that have the limit which most of them have: scenarios know one."""
    limits = Counter(str(facts.of_client(client.id)) for client in clients)
    usual = limits.most_common(1)[0][0]
    chosen = tuple(client for client in clients if str(facts.of_client(client.id)) == usual)
    nodes = tuple(node_id for node_id, _ in front.nodes)
    return of_limits(nodes, chosen, rate_per_second, facts.of_client(chosen[0].id))


def of_limits(
    nodes: tuple[str, ...], clients: tuple[Client, ...], rate_per_second: float, limits: Limits
) -> Setting:
    tightest, *others = sorted(limits.windows, key=lambda window: window.quota / window.period_seconds)
    return Setting(nodes, clients, rate_per_second, tightest, STORE_DEADLINE_SECONDS, tuple(others))
