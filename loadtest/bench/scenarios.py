"""What is measured of each peer."""

from dataclasses import dataclass

from loadtest.bench.requests import BIG

HUGE, SMALL = 1_000_000_000, 10
"""Limits: of one nobody is refused, of the other nearly everybody."""

KEYS = 10_000
HELD_CONNECTIONS = 1000
SATURATED = "allowed"
"""The scenario that says how much a peer can take."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests that are all answered alike.

    - `is_full`: each key has been used in every second of its window.
    - `rate_per_second`, or `load` as a share of what the peer took when it was `SATURATED`: requests come at
      their times; else as many as are taken.
    - `share` of the requests that are asked for, where one costs more than others.
    - `held_connections`: of a peer that has just been started.
    - `peers` that take part; if none are named, all that are for everything.
    - `makes_windows`: before each round, from outside; else they are what rounds before left.
    - `is_long`: not for a quick look.
    """

    name: str
    title: str
    keys: int = KEYS
    is_full: bool = False
    limit: int = HUGE
    status: int = 200
    path: str = "/items"
    body_bytes: int = 0
    rate_per_second: float = 0.0
    load: float = 0.0
    share: float = 1.0
    held_connections: int = 0
    peers: tuple[str, ...] = ()
    makes_windows: bool = True
    is_long: bool = False


CLOSED = (
    Scenario(SATURATED, f"allowed, {KEYS:,} keys"),
    Scenario("allowed-full", f"allowed, {KEYS:,} keys, full windows", is_full=True),
    Scenario("one-key", "allowed, one key", keys=1),
    Scenario("one-key-full", "allowed, one key, full window", keys=1, is_full=True),
    Scenario("refused", "refused", keys=10, limit=SMALL, status=429),
    Scenario("post", "allowed, POST of 4 KiB", body_bytes=4096),
    Scenario("big", "allowed, answer of 256 KiB", keys=1000, path=BIG, share=0.2),
)
OPEN = (
    Scenario("at-1000", "allowed, 1,000 a second", keys=1000, rate_per_second=1000, share=0.25),
    Scenario("at-half", "allowed, half of what it can take", keys=1000, load=0.5),
)
MEMORY = (
    Scenario("idle", f"{HELD_CONNECTIONS:,} idle connections", held_connections=HELD_CONNECTIONS, share=0.1),
)
KEY_COUNTS = (100, 1000, 10_000, 100_000, 1_000_000)
GROWTH = tuple(
    Scenario(
        f"keys-{count}",
        f"allowed, {count:,} keys",
        keys=count,
        peers=("ours",),
        makes_windows=False,
        is_long=count > KEYS,
    )
    for count in KEY_COUNTS
)
NODES = (
    Scenario(
        "at-2000",
        "allowed, 2,000 a second",
        keys=1000,
        rate_per_second=2000,
        share=0.5,
        peers=("ours", "ours-2-nodes", "ours-4-nodes"),
    ),
)
WORKERS = (Scenario("workers", "allowed, two workers or one", peers=("ours", "ours-2-workers")),)
GROUPS = ((*CLOSED, *OPEN, *MEMORY), GROWTH, NODES, WORKERS)
"""Each has its rounds, and its peers run as long: even one that nobody asks takes a little of its core."""

SCENARIOS = tuple(scenario for group in GROUPS for scenario in group)
