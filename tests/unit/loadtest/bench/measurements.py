"""Measurements for tests, of which only a figure or two matter."""

from loadtest.bench.job import Measured
from loadtest.bench.results import Results, Sample


def measured(
    *,
    cpu_us: float = 10.0,
    redis_us: float = 5.0,
    p99_ms: float = 2.0,
    held_bytes: int = 0,
    per_second: int = 1000,
) -> Measured:
    """Of a thousand requests."""
    return Measured(
        requests=1000,
        sent=2000,
        seconds=1000 / per_second,
        tested_cpu_ns=int(cpu_us * 1_000_000),
        redis_cpu_ns=int(redis_us * 1_000_000),
        rss_bytes=50 * 2**20,
        held_bytes=held_bytes,
        p50_ms=p99_ms / 2,
        p99_ms=p99_ms,
        statuses={"200": 1000},
    )


def results(figures: dict[tuple[str, str], list[Measured]]) -> Results:
    """By peer and scenario, in rounds."""
    return Results(
        Sample(peer, scenario, number, one)
        for (peer, scenario), rounds in figures.items()
        for number, one in enumerate(rounds, 1)
    )
