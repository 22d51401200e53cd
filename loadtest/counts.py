"""What the load generator counted, as it writes it down at its end (in JSON, by the contract's codec)."""

import operator
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from gateway.contract.records import Totals


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the requests to one node, as their sender saw it."""

    started: int = 0
    admitted: int = 0
    refused: int = 0
    failed: int = 0
    unidentified: int = 0
    connection_failures: int = 0  # no answer: refused, reset, or later than the sender waits

    @property
    def unanswered(self) -> int:
        """Connection failures, and requests that were still under way when the generator ended."""
        return self.started - self.as_totals().requests

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(operator.add, _all(self), _all(other)))

    def as_totals(self) -> Totals:
        """What the node should have counted, connection failures apart."""
        requests = self.admitted + self.refused + self.failed + self.unidentified
        return Totals(requests, self.admitted, self.refused, self.failed, self.unidentified)


_all = operator.attrgetter(*(item.name for item in fields(Counts)))
_OUTCOMES = {429: "refused", 403: "refused", 401: "unidentified", 0: "connection_failures"}


def outcome(status: int, *, is_upstreams: bool) -> str:
    """The field of `Counts` for a request with this answer; status 0 stands for none. What is an upstream's,
    passed on by a node, was admitted whatever it says."""
    return "admitted" if is_upstreams else _OUTCOMES.get(status, "failed")


class Moment(NamedTuple):
    """How many requests had been started and answered at a time (seconds since 1970)."""

    at: float
    started: int
    answered: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The generator's counts at its end, and some times a second on somebody's cluster."""

    nodes: dict[str, Counts]
    dropped: int  # requests that were due and were not sent, since all users waited for answers
    moments: dict[str, tuple[Moment, ...]] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """All requests that were."""
        return sum(node.started for node in self.nodes.values())
