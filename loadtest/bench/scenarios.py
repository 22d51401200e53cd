"""What is measured of each peer."""

from dataclasses import dataclass

from loadtest.bench.requests import BIG

HUGE, SMALL = 1_000_000_000, 10
"""Limits: of one nobody is refused, of the other nearly everybody."""

KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests that are all answered alike; `full`: each key has been used in every second of its window."""

    name: str
    title: str
    keys: int = KEYS
    full: bool = False
    limit: int = HUGE
    status: int = 200
    path: str = "/items"
    body_bytes: int = 0
    share: float = 1.0
    """Of the requests that are asked for, where one costs more than others."""


SCENARIOS = (
    Scenario("allowed", f"allowed, {KEYS:,} keys"),
    Scenario("allowed-full", f"allowed, {KEYS:,} keys, full windows", full=True),
    Scenario("one-key", "allowed, one key", keys=1),
    Scenario("one-key-full", "allowed, one key, full window", keys=1, full=True),
    Scenario("refused", "refused", keys=10, limit=SMALL, status=429),
    Scenario("post", "allowed, POST of 4 KiB", body_bytes=4096),
    Scenario("big", "allowed, answer of 256 KiB", path=BIG, share=0.2),
)
