"""The faults that a scenario can put on a cluster, as values; `loadtest.faults` does them, by real parts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedisSlow:
    """Redis gets and answers the commands of these nodes (none: of all) later, by this each way."""

    delay_seconds: float
    node_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RedisFrozen:
    """Redis' process stands still, and goes on afterwards with all that it knew."""


@dataclass(frozen=True, slots=True)
class RedisKilled:
    """Redis is gone at once, and afterwards an empty one serves in its place."""


@dataclass(frozen=True, slots=True)
class RedisFull:
    """Redis may use little more memory than it does, and a neighbour keeps filling it."""


@dataclass(frozen=True, slots=True)
class NodeKilled:
    """A node is gone at once, and afterwards started again."""

    node_id: str


@dataclass(frozen=True, slots=True)
class NodeFrozen:
    """A node's process stands still."""

    node_id: str


@dataclass(frozen=True, slots=True)
class NodeRestarted:
    """A node leaves in order and is started again; with other settings, if any, until the fault ends."""

    node_id: str
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NodeClock:
    """A node is started again with a wall clock that is so many seconds ahead (or behind: negative)."""

    node_id: str
    seconds: int


@dataclass(frozen=True, slots=True)
class NodeTwice:
    """Another process has a node's id too."""

    node_id: str


@dataclass(frozen=True, slots=True)
class UpstreamTroubled:
    """The service behind takes longer, or fails this part of its requests by itself."""

    delay_seconds: float = 0.0
    failing_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class OverrideMalformed:
    """Something else has written a live limit that is none."""

    client_id: str


Fault = (
    RedisSlow
    | RedisFrozen
    | RedisKilled
    | RedisFull
    | NodeKilled
    | NodeFrozen
    | NodeRestarted
    | NodeClock
    | NodeTwice
    | UpstreamTroubled
    | OverrideMalformed
)
