"""Everything that a node counts, since its start."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.contract.records import Totals
from gateway.telemetry.clients import ClientActivity
from gateway.telemetry.histogram import Histogram


class Outcome(StrEnum):
    """What became of a message; `gateway.contract.records.Totals` says what each means."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    FAILED = "failed"
    UNIDENTIFIED = "unidentified"
    MALFORMED = "malformed"

    __hash__ = str.__hash__  # Enum's own is a function in Python


REQUEST_OUTCOMES = (Outcome.ADMITTED, Outcome.REFUSED, Outcome.FAILED, Outcome.UNIDENTIFIED)
"""Those of requests, as `Totals` has them in order: a malformed message is none."""

GAUGES = ("in_flight", "tunnels", "connections")
"""Numbers of `Counters` that also fall; all others only rise."""


def _nobody_late() -> Counter[str]:
    return Counter({"idle": 0, "head": 0, "body": 0, "answer": 0})


@dataclass(slots=True)
class Counters:
    """Plain numbers, raised where things happen. `gateway.contract.records` says what each means."""

    messages: Counter[Outcome] = field(default_factory=Counter)
    denied: int = 0
    wrong_keys_limited: int = 0
    """Unauthenticated requests whose key was not looked up: the address had sent too many unknown ones."""
    shadow_refused: int = 0
    in_flight: int = 0
    tunnels: int = 0
    connections: int = 0
    shed_node: int = 0
    shed_address: int = 0
    gave_way: int = 0
    accept_errors: int = 0
    tls_failed: int = 0
    late: Counter[str] = field(default_factory=_nobody_late)
    """Clients that were too slow, by what with."""
    upstream_answered: int = 0
    upstream_server_errors: int = 0
    upstream_broken: int = 0
    upstream_timed_out: int = 0
    upstream_retried: int = 0
    upstream_full: int = 0
    upstream_gave_way: int = 0
    """Requests of slow clients that were ended, so that another request had a place."""
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
        self.messages[outcome] += 1

    def upstream_failed(self, error: Exception) -> None:
        """Count an answer that did not come in time, as a TimeoutError says, or broke off."""
        if isinstance(error, TimeoutError):
            self.upstream_timed_out += 1
        else:
            self.upstream_broken += 1

    def tunnel_ended(self) -> None:
        """One that was open is not any more."""
        self.tunnels -= 1

    def count_late(self, what: str) -> None:
        """Count one client that was too slow with: idle, head, body or answer."""
        self.late[what] += 1

    @property
    def totals(self) -> Totals:
        """Requests by outcome; their sum is the number of requests."""
        admitted, refused, failed, unidentified = (self.messages[outcome] for outcome in REQUEST_OUTCOMES)
        requests = admitted + refused + failed + unidentified
        return Totals(requests, admitted, refused, failed, unidentified, self.denied, self.shadow_refused)
