"""Everything that a node counts, since its start."""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.contract.telemetry import Totals
from gateway.telemetry.clients import ClientActivity
from gateway.telemetry.histogram import Histogram


class Outcome(StrEnum):
    """What became of a message; `gateway.contract.telemetry.Totals` says what each means."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    FAILED = "failed"
    UNIDENTIFIED = "unidentified"
    MALFORMED = "malformed"


@dataclass(slots=True)
class Counters:
    """Plain numbers, raised where things happen. `gateway.contract.telemetry` says what each means."""

    admitted: int = 0
    refused: int = 0
    denied: int = 0
    shadow_refused: int = 0
    failed: int = 0
    unidentified: int = 0
    malformed: int = 0
    in_flight: int = 0
    tunnels: int = 0
    connections: int = 0
    shed_node: int = 0
    shed_address: int = 0
    gave_way: int = 0
    accept_errors: int = 0
    tls_failed: int = 0
    late_idle: int = 0
    late_head: int = 0
    late_body: int = 0
    late_answer: int = 0
    upstream_answered: int = 0
    upstream_server_errors: int = 0
    upstream_broken: int = 0
    upstream_timed_out: int = 0
    upstream_retried: int = 0
    upstream_full: int = 0
    store_decisions: int = 0
    store_fallbacks: int = 0
    store_discarded: int = 0
    store_remembered: int = 0
    store_uncertain: int = 0
    store_posted: int = 0
    store_written_off: int = 0
    store_damaged: int = 0
    store_fields_ahead: int = 0
    latency: Histogram = field(default_factory=Histogram)
    upstream_latency: Histogram = field(default_factory=Histogram)
    store_latency: Histogram = field(default_factory=Histogram)
    clients: ClientActivity = field(default_factory=ClientActivity)

    def count(self, outcome: Outcome) -> None:
        """Count one message."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    def tunnel_ended(self) -> None:
        """One that was open is not any more."""
        self.tunnels -= 1

    def count_late(self, what: str) -> None:
        """Count one client that was too slow with: idle, head, body or answer."""
        name = f"late_{what}"
        setattr(self, name, getattr(self, name) + 1)

    @property
    def totals(self) -> Totals:
        """Requests by outcome; their sum is the number of requests."""
        outcomes = (self.admitted, self.refused, self.failed, self.unidentified)
        return Totals(sum(outcomes), *outcomes, self.denied, self.shadow_refused)
