"""The other processes of a node, as one of them sees them."""

from dataclasses import dataclass, field

from gateway.policy.concurrency import InFlight
from gateway.proxy.slots import PeerCounts


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How many `processes` the node has, this one among them, and what they have together; at first, none."""

    processes: int = 1
    connections: PeerCounts = field(default_factory=PeerCounts)
    in_flight: InFlight = field(default_factory=InFlight)
