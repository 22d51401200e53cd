"""Counters, gauges and histograms of a node since its start, each declared once with its metric."""

from collections import Counter
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal

from gateway.contract.records import Totals
from gateway.contract.sketches import Buckets, bucket, histogram_from_counts, upper_bound_seconds
from gateway.telemetry.clients import ClientActivity


class Outcome(StrEnum):
    """Outcome of a message; `gateway.contract.records.Totals` defines each."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    FAILED = "failed"
    UNIDENTIFIED = "unidentified"
    MALFORMED = "malformed"

    __hash__ = str.__hash__  # Enum's own is a function in Python


REQUEST_OUTCOMES = (Outcome.ADMITTED, Outcome.REFUSED, Outcome.FAILED, Outcome.UNIDENTIFIED)
"""In the order of `Totals`; a malformed message does not count as a request."""


class Histogram:
    """Durations since the node's start, by the buckets of `gateway.contract.sketches`."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        number, counts = bucket(seconds), self._counts
        counts[number] = counts.get(number, 0) + 1
        self.sum_seconds += seconds

    def add_all(self, buckets: Buckets, sum_seconds: float) -> None:
        """Add the counts of another histogram."""
        for number, count in buckets:
            self._counts[number] = self._counts.get(number, 0) + count
        self.sum_seconds += sum_seconds

    def buckets(self) -> Buckets:
        """Counts by bucket."""
        return histogram_from_counts(self._counts)

    def at_most(self, seconds: float) -> int:
        """Number of durations in buckets whose upper bound is at most this."""
        return sum(count for number, count in self._counts.items() if upper_bound_seconds(number) <= seconds)

    @property
    def count(self) -> int:
        """Number of durations."""
        return sum(self._counts.values())


@dataclass(frozen=True, slots=True)
class Metric:
    """Prometheus metric of one field of `Counters`.

    Fields with the same name are one metric; each is a value of its label, and the first has the help text.
    With a label and no `value`, the field is a mapping by values of the label.
    """

    kind: str
    name: str
    help: str
    label: str = ""
    value: str = ""

    @property
    def is_mapping(self) -> bool:
        """Whether the field counts by values of the label."""
        return bool(self.label) and not self.value


def _metric(kind: str, name: str, text: str, label: str = "", value: str = "") -> dict[str, Metric]:
    return {"metric": Metric(kind, name, text, label, value)}


def _counter(name: str, text: str = "", **label: str) -> Any:
    """Only rises; `label` is the metric's label and the field's value of it."""
    key, value = next(iter(label.items()), ("", ""))
    return field(default=0, metadata=_metric("counter", name, text, key, value))


def _gauge(name: str, text: str) -> Any:
    return field(default=0, metadata=_metric("gauge", name, text))


def _late() -> Counter[str]:
    return Counter({"idle": 0, "head": 0, "body": 0, "answer": 0})


@dataclass(slots=True)
class Counters:
    """Plain numbers, changed where things happen. `gateway.contract.records` defines the published ones."""

    messages: Counter[Outcome] = field(default_factory=Counter)
    denied: int = _counter("gateway_denied_total", "Requests refused by the deny list.")
    wrong_keys_limited: int = _counter(
        "gateway_wrong_keys_limited_total",
        "Requests whose key was not looked up, as their address had sent too many unknown keys.",
    )
    shadow_refused: int = _counter(
        "gateway_shadow_refused_total", "Requests let through that policies in shadow would have refused."
    )
    upstream_answered: int = _counter(
        "gateway_upstream_total", "Requests sent to the upstream, by outcome.", outcome="answered"
    )
    upstream_broken: int = _counter("gateway_upstream_total", outcome="broken")
    upstream_timed_out: int = _counter("gateway_upstream_total", outcome="timed_out")
    upstream_server_errors: int = _counter("gateway_upstream_5xx_total", "Upstream's 5xx answers.")
    upstream_retried: int = _counter(
        "gateway_upstream_retries_total",
        "Times that a request was sent once more, to another address or over another connection.",
    )
    upstream_full: int = _counter(
        "gateway_upstream_full_total",
        "Requests that were sent nowhere, as too many were at the upstream or no socket was left.",
    )
    upstream_gave_way: int = _counter(
        "gateway_upstream_gave_way_total",
        "Requests of slow clients that were ended, as another request had no place at the upstream.",
    )
    connections: int = _gauge("gateway_connections", "Connections of clients.")
    shed_node: int = _counter(
        "gateway_connections_shed_total",
        "Connections turned away, as there were too many at the node or from the address.",
        full="node",
    )
    shed_address: int = _counter("gateway_connections_shed_total", full="address")
    gave_way: int = _counter(
        "gateway_connections_gave_way_total",
        "Connections without a request that were closed to make room for others.",
    )
    accept_errors: int = _counter(
        "gateway_accept_errors_total",
        "Times that connections had to wait, as no descriptor or memory was left for one.",
    )
    tls_failed: int = _counter(
        "gateway_tls_failed_total", "Connections that ended before their TLS handshake did."
    )
    late: Counter[str] = field(
        default_factory=_late,
        metadata=_metric(
            "counter",
            "gateway_client_timeouts_total",
            "Connections that ended as their client was too slow.",
            "with",
        ),
    )
    store_decisions: int = _counter("gateway_decisions_total", "Decisions by who made them.", by="redis")
    store_remembered: int = _counter("gateway_decisions_total", by="memory")
    store_fallbacks: int = _counter("gateway_decisions_total", by="fallback")
    store_discarded: int = _counter(
        "gateway_store_discarded_total",
        "Replies of Redis outside their stamp's tolerance, decided once more.",
    )
    store_posted: int = _counter(
        "gateway_store_units_total",
        "Units that Redis did not count at once, by what became of them.",
        fate="posted",
    )
    store_uncertain: int = _counter("gateway_store_units_total", fate="uncertain")
    store_written_off: int = _counter("gateway_store_units_total", fate="written_off")
    store_damaged: int = _counter(
        "gateway_store_damaged_total", "Replies that a key of a client's counters is damaged."
    )
    store_fields_ahead: int = _counter(
        "gateway_store_fields_ahead_total",
        "Counters of the future that were read: was Redis' clock put back?",
    )
    latency: Histogram = field(
        default_factory=Histogram,
        metadata=_metric("histogram", "gateway_request_seconds", "Forwarded requests, in the node."),
    )
    upstream_latency: Histogram = field(
        default_factory=Histogram,
        metadata=_metric("histogram", "gateway_upstream_seconds", "Until the upstream's head."),
    )
    store_latency: Histogram = field(
        default_factory=Histogram,
        metadata=_metric("histogram", "gateway_store_seconds", "Round trips of counting batches."),
    )
    in_flight: int = _gauge("gateway_in_flight", "Requests being served.")
    tunnels: int = _gauge("gateway_tunnels", "WebSocket connections open.")
    clients: ClientActivity = field(default_factory=ClientActivity)

    def count(self, outcome: Outcome) -> None:
        """Count one message."""
        self.messages[outcome] += 1

    def request_began(self) -> None:
        """Count one request in flight."""
        self.in_flight += 1

    def request_ended(
        self,
        outcome: Outcome | Literal[""],
        client: str,
        seconds: float | None,
        *,
        refused: bool,
        in_shadow: bool,
    ) -> None:
        """Count the end of a request.

        `outcome` is empty if the client left before the decision, and `client` if it is unknown. `seconds` is
        None if the request was not forwarded.
        """
        self.in_flight -= 1
        if outcome:
            self.messages[outcome] += 1
        if client:
            self.clients.count(client, refused=refused)
        self.shadow_refused += in_shadow
        if seconds is not None:
            self.latency.add(seconds)

    def upstream_failed(self, error: Exception) -> None:
        """Count an upstream response that timed out (TimeoutError) or broke off."""
        if isinstance(error, TimeoutError):
            self.upstream_timed_out += 1
        else:
            self.upstream_broken += 1

    def tunnel_ended(self) -> None:
        """Count one open tunnel less."""
        self.tunnels -= 1

    def count_late(self, what: str) -> None:
        """Count a client timeout by its phase: idle, head, body or answer."""
        self.late[what] += 1

    @property
    def totals(self) -> Totals:
        """Requests by outcome; their sum is the number of requests."""
        admitted, refused, failed, unidentified = (self.messages[outcome] for outcome in REQUEST_OUTCOMES)
        requests = admitted + refused + failed + unidentified
        return Totals(requests, admitted, refused, failed, unidentified, self.denied, self.shadow_refused)


DECLARED: dict[str, Metric] = {
    item.name: item.metadata["metric"] for item in fields(Counters) if "metric" in item.metadata
}
"""Metrics by field, in the order in which they are shown."""


def _of_kind(kind: str) -> tuple[str, ...]:
    return tuple(name for name, metric in DECLARED.items() if metric.kind == kind)


NUMBERS = tuple(name for name in _of_kind("counter") if not DECLARED[name].is_mapping)
GAUGES = _of_kind("gauge")
HISTOGRAMS = _of_kind("histogram")
