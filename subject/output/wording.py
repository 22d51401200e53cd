"""How numbers are told to a person, and a finding's evidence: beside what it is compared with."""

from subject.causes.cause import Cause
from subject.figures import percent
from subject.finding import Evidence, Finding

UNKNOWN = "–"
"""What cannot be seen, or was not measured."""
USUAL, EVEN, ABOVE, BELOW, FROM = "usual", "an even share is", "alarm above", "alarm below", "alarm from"
COMPARED = {
    "cluster_rate": USUAL,
    "new_clients": USUAL,
    "upstream_p99": USUAL,
    "failure_ratio": FROM,
    "part_of_usual": BELOW,
    "client_rate": USUAL,
    "retry_rate": FROM,
    "store_p50": USUAL,
    "store_p99": USUAL,
    "nodes_without_redis": USUAL,
    "node_rate": EVEN,
    "node_share": EVEN,
    "standard_deviations": ABOVE,
    "fallback_ratio": ABOVE,
    "nodes_slow": ABOVE,
    "silence": ABOVE,
    "side_by_side": ABOVE,
    "boots_writing": "instead of",
    "policy_tables": "instead of",
    "changes": FROM,
    "clock_skew": "alarm beyond ±",
    "evicted_keys": FROM,
    "memory_used": "of at most",
    "chance_if_even": BELOW,
    "refused": FROM,
    "share_of_requests": FROM,
    "clients_active": FROM,
    "rejection_ratio": FROM,
    "share_of_excess": "one client's from",
    "clients_over_limit": "told one by one up to",
    "nodes_up": "of",
    "nodes_that_answer": "of",
    "nodes_refusing": "of",
}
"""What a metric's baseline is. Those that say yes or no have none that is worth telling."""
UNITS = {"ratio": "", "probability": "", "percent": " %", "sd": " sd above usual"}
NAMELESS = {"malformed_fields", "standard_deviations"}
"""The unit says it all."""


def told(item: Evidence) -> str:
    """One piece of evidence, as in ``28.5 sd above usual (alarm above 5)``."""
    name = item.metric.replace("_", " ")
    if item.unit == "boolean":
        return f"{name}: {'yes' if item.now else 'no'}"
    unit = UNITS.get(item.unit, f" {item.unit}")
    now = f"{_value(item.now, item.unit)}{unit}"
    text = now if item.metric in NAMELESS else f"{name} {now}"
    if item.baseline is None:
        return text
    return f"{text} ({COMPARED.get(item.metric, 'against')} {_value(item.baseline, item.unit)})"


def sure(finding: Finding) -> str:
    """How sure it is that what was found is so; how likely its causes are is told with them."""
    return f"{percent(finding.confidence)} sure that it is so"


def why(cause: Cause, *, named: bool) -> str:
    """What speaks for and against a cause, as in ``72 %; for it: …; against it: …``."""
    text = f"{percent(cause.confidence)} likely"
    if named:
        text += f": {cause.text}"
    if cause.speaks_for:
        text += f"; for it: {', '.join(cause.speaks_for)}"
    if cause.speaks_against:
        text += f"; against it: {', '.join(cause.speaks_against)}"
    return text


def ms(value: float | None) -> str:
    """Milliseconds with their unit."""
    return UNKNOWN if value is None else f"{short(value)} ms"


def short(value: float | None) -> str:
    """Milliseconds as short as they can be read."""
    return UNKNOWN if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    if unit == "ratio":
        return percent(value) if value >= 0.1 or value == 0 else f"{100 * value:.2g} %"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
