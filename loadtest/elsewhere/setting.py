"""The usual load of a run on a cluster that has limits of its own."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from random import SystemRandom

from gateway.contract.limits import Limits
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.front import Front
from loadtest.elsewhere.target import TargetError
from loadtest.elsewhere.terms import PLAIN, Terms
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
    bearable = of_limits((), (), rate_per_second, facts.default, facts.terms).bearable_per_second
    number = max(LEAST_CLIENTS, ceil(HIGHEST_FACTOR * rate_per_second / bearable))
    if number > MOST_CLIENTS:
        raise TargetError(
            f"with {facts.default} a client it takes {number:,} of them for {rate_per_second:g} requests a "
            f"second and what is put on top, and {MOST_CLIENTS:,} are the most: take a lower --rate"
        )
    chance = SystemRandom()
    return [f"loadtest-{chance.getrandbits(64):016x}" for _ in range(number)]


def setting_of(clients: Sequence[Client], facts: Facts, front: Front, rate_per_second: float) -> Setting:
    """With those clients that have the limit which most of them have: scenarios know one.

    Raises:
        TargetError: none of them is refused anything.
    """
    limited = [client for client in clients if client.id not in facts.limitless]
    if not limited or facts.is_shadow:
        raise TargetError(
            "no limit is in force there for these keys (shadow, or GATEWAY_ALLOW or GATEWAY_DENY), so there "
            "is nothing to hold them to"
        )
    limits = Counter(str(facts.of_client(client.id)) for client in limited)
    usual = limits.most_common(1)[0][0]
    chosen = tuple(client for client in limited if str(facts.of_client(client.id)) == usual)
    nodes = tuple(node_id for node_id, _ in front.nodes)
    return of_limits(nodes, chosen, rate_per_second, facts.of_client(chosen[0].id), facts.terms)


def of_limits(
    nodes: tuple[str, ...],
    clients: tuple[Client, ...],
    rate_per_second: float,
    limits: Limits,
    terms: Terms = PLAIN,
) -> Setting:
    """In requests, whatever each of them costs.

    Raises:
        TargetError: one costs more than a limit has.
    """
    windows = terms.in_requests(limits.windows)
    tightest, *others = sorted(windows, key=lambda window: window.quota / window.period_seconds)
    return Setting(nodes, clients, rate_per_second, tightest, STORE_DEADLINE_SECONDS, tuple(others))
