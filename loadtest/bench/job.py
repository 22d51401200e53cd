"""What the load generator is told to do, and what it found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """Requests to send.

    `connections` each send the next request when the last is answered; or, where `rate_per_second` is not 0,
    requests have their times, and are sent by whichever is free. After `warm_up` requests so many `requests`
    are measured, and must be answered with `status` (0: any). The processor time of `tested` and `redis` is
    read when the last of the first and the last of the others is answered. Then `held_connections` more are
    opened, used once each, and held while memory is read.
    """

    ports: tuple[int, ...]
    tested: tuple[int, ...]
    redis: tuple[int, ...]
    key_prefix: str
    keys: int = 10_000
    path: str = "/items"
    body_bytes: int = 0
    status: int = 200
    connections: int = 64
    rate_per_second: float = 0.0
    warm_up: int = 500
    requests: int = 10_000
    held_connections: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a job.

    `sent` are all requests, those before and behind the measured ones too; `statuses` of the measured, by the
    status as text; `rss_bytes` of the processes under test, and `held_bytes` that held connections added.
    """

    requests: int
    sent: int
    seconds: float
    tested_cpu_ns: int
    redis_cpu_ns: int
    rss_bytes: int
    held_bytes: int
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]

    @property
    def cpu_us(self) -> float:
        """Processor time of the processes under test a request."""
        return self.tested_cpu_ns / 1000 / self.requests

    @property
    def redis_us(self) -> float:
        """Processor time of Redis a request."""
        return self.redis_cpu_ns / 1000 / self.requests

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds
