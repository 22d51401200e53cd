"""The other processes of a node, as one of them sees them."""

from dataclasses import dataclass, field

from gateway.connections import Elsewhere
from gateway.policy.concurrency import InFlight


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How many `processes` the node has, this one among them, and what they have together; at first, none."""

    processes: int = 1
    connections: Elsewhere = field(default_factory=Elsewhere)
    in_flight: InFlight = field(default_factory=InFlight)
