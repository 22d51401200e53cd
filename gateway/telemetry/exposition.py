"""A node's metrics in Prometheus' text format, version 0.0.4."""

from gateway.telemetry.histogram import Histogram
from gateway.telemetry.metrics import METRICS, Labelled, Scrape, Value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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
