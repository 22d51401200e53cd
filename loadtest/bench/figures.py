"""The figures that are shown of a measurement, and their units."""

from loadtest.bench.job import Measured
from loadtest.bench.scenarios import HELD_CONNECTIONS


def cpu(measured: Measured) -> float:
    """Processor time of the processes under test, µs a request."""
    return measured.cpu_us


def redis(measured: Measured) -> float:
    """Processor time of Redis, µs a request."""
    return measured.redis_us


def per_second(measured: Measured) -> float:
    """Requests a second."""
    return measured.per_second


def busy(measured: Measured) -> float:
    """How much of its one core it had, in percent."""
    return measured.tested_cpu_ns / measured.seconds / 1e7


def p50(measured: Measured) -> float:
    """Milliseconds."""
    return measured.p50_ms


def p99(measured: Measured) -> float:
    """Milliseconds."""
    return measured.p99_ms


def memory(measured: Measured) -> float:
    """MiB of the processes under test, with 64 connections."""
    return measured.rss_bytes / 2**20


def held(measured: Measured) -> float:
    """KiB that each of the held connections added."""
    return measured.held_bytes / 1024 / HELD_CONNECTIONS
