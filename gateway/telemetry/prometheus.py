"""Metrics of a node in Prometheus' text format, version 0.0.4. No label holds a value from a client."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from gateway.contract.records import Reloads
from gateway.telemetry.counters import DECLARED, REQUEST_OUTCOMES, Counters, Histogram, Outcome
from gateway.telemetry.process import Usage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scrape:
    """What metrics are read from.

    `certificate_expires_at`: seconds since 1970; None without TLS.
    """

    counters: Counters
    store_connected: bool
    reloads: Reloads
    lost_log_lines: int
    usage: Usage
    open_descriptors: int
    tasks: int = 0
    certificate_expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A number for each value of a label."""

    label: str
    values: Mapping[str, int]


Value = float | Labelled | Histogram

MetricRow = tuple[str, str, str, Callable[[Scrape], Value | None]]
"""Name, kind, meaning, and what reads it; a metric that reads None is not shown."""


def _requests(scrape: Scrape) -> Labelled:
    return Labelled("outcome", {outcome: scrape.counters.messages[outcome] for outcome in REQUEST_OUTCOMES})


def _reloads(scrape: Scrape) -> Labelled:
    return Labelled("outcome", {"done": scrape.reloads.done, "failed": scrape.reloads.failed})


def _of_counters() -> Iterator[MetricRow]:
    for name, group in groupby(DECLARED, key=lambda attribute: DECLARED[attribute].name):
        attributes = list(group)
        first = DECLARED[attributes[0]]
        yield name, first.kind, first.help, partial(_read, attributes)


def _read(attributes: list[str], scrape: Scrape) -> Value:
    values = {DECLARED[name].value: getattr(scrape.counters, name) for name in attributes}
    label, value = DECLARED[attributes[0]].label, values.get("")
    if value is None:
        return Labelled(label, values)
    return Labelled(label, value) if label else value


METRICS: tuple[MetricRow, ...] = (
    ("gateway_requests_total", "counter", "Requests by outcome.", _requests),
    (
        "gateway_malformed_total",
        "counter",
        "Messages that cannot be read, or could be read in two ways; they are no requests.",
        lambda it: it.counters.messages[Outcome.MALFORMED],
    ),
    *_of_counters(),
    ("gateway_store_connected", "gauge", "Whether Redis answers.", lambda it: int(it.store_connected)),
    ("gateway_log_lines_lost_total", "counter", "Log lines not written.", lambda it: it.lost_log_lines),
    ("gateway_reloads_total", "counter", "Reloads of files, by what became of them.", _reloads),
    (
        "gateway_reload_failed",
        "gauge",
        "Whether the last reload failed.",
        lambda it: int(it.reloads.problem != ""),
    ),
    (
        "gateway_reload_timestamp_seconds",
        "gauge",
        "When the last reload was, 0 if none.",
        lambda it: it.reloads.at or 0,
    ),
    ("process_cpu_seconds_total", "counter", "User and system time.", lambda it: it.usage.cpu_seconds),
    ("gateway_tasks", "gauge", "Tasks of the event loop.", lambda it: it.tasks),
    ("process_open_fds", "gauge", "Open descriptors.", lambda it: it.open_descriptors),
    ("process_resident_memory_bytes", "gauge", "Resident memory.", lambda it: it.usage.rss_bytes),
    (
        "gateway_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the certificate that clients are shown expires.",
        lambda it: it.certificate_expires_at,
    ),
)
"""In the order in which they are shown."""


def exposition(scrape: Scrape) -> str:
    """All metrics as text."""
    lines: list[str] = []
    for name, kind, meaning, read in METRICS:
        value = read(scrape)
        if value is not None:
            lines += (f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *_samples(name, value))
    return "\n".join(lines) + "\n"


def _samples(name: str, value: Value) -> list[str]:
    if isinstance(value, Labelled):
        return [f'{name}{{{value.label}="{key}"}} {number}' for key, number in value.values.items()]
    if isinstance(value, Histogram):
        return [
            *(f'{name}_bucket{{le="{bound:g}"}} {value.at_most(bound)}' for bound in BOUNDS_SECONDS),
            f'{name}_bucket{{le="+Inf"}} {value.count}',
            f"{name}_sum {value.sum_seconds:.6f}",
            f"{name}_count {value.count}",
        ]
    return [f"{name} {value}"]
