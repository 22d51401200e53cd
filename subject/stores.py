"""The Subject protocol's types: of the shape of the operator's own, which is not imported.

The field names are its terms: a store is a gateway node, and some fields carry what is said beside them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Store:
    """A gateway node. `state`: Up, Down (neither writes nor answers) or Offline (left in order)."""

    id: str
    address: str  # host:port; empty where its record cannot be read
    state: str


@dataclass(frozen=True, slots=True)
class StoreMetrics:
    """One node's numbers, of the last ten seconds."""

    store_id: str
    qps: float  # requests per second
    latency_p99_ms: float  # the rejection rate in percent: the protocol's field, reused
    disk_used_bytes: int  # of Redis' memory
    disk_total_bytes: int
    cpu_percent: float  # of the node's process
    raft_lag: float  # seconds since the node's last record; infinite where that cannot be read

    @property
    def latency_p99(self) -> float:
        """The same under the research note's name: the rejection rate in percent."""
        return self.latency_p99_ms

    @property
    def rejection_ratio(self) -> float:
        """Refused requests over all, 0…1."""
        return self.latency_p99_ms / 100


@dataclass(frozen=True, slots=True)
class ClusterMetrics:
    """The cluster's numbers."""

    store_count: int  # nodes
    region_count: int  # clients seen
    leader_count: dict[str, int]  # node: requests in the last ten seconds
