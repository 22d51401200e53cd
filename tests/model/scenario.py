"""What is known before a simulation begins: who asks and when, and what goes wrong. Times are world µs."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from gateway.contract.limits import Limit
from tests.model.network import Weather


class Fault(Enum):
    """What can befall the store and the ways to it."""

    PAUSE = "Redis stands still"
    STOP_KEEPING = "Redis is restarted with its data"
    STOP_LOSING = "Redis is restarted empty"
    VANISH = "Redis' host goes silently, and comes back with its data"
    CUT = "a connection is reset"
    LOST_REPLIES = "nothing comes back any more over a connection"
    LOST_REQUESTS = "nothing gets through any more over a connection"
    PARTITION = "a node reaches nobody"
    REFUSE = "Redis answers errors"
    FLUSH = "Redis loses all keys, and no connection"
    EVICT = "Redis loses one key"
    KILL_NODE = "a node is killed, and starts again"


SILENT = (Fault.LOST_REQUESTS, Fault.LOST_REPLIES, Fault.PARTITION, Fault.VANISH)
"""Those of which a node is not told: it finds out by waiting, for an answer and then for a connection."""

LOSSES = (Fault.STOP_LOSING, Fault.FLUSH, Fault.EVICT)
"""Those that take counts away."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault, for `ticks` where it lasts. `detail` is the error for REFUSE."""

    at: int
    fault: Fault
    node: int = 0
    ticks: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a policy."""

    scope: str
    limit: Limit
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What is in force for a client."""

    windows: tuple[Window, ...]
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A policy takes the place of another; each node hears of it at its own moment."""

    client: str
    policy: Policy
    heard: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """`cost` units for `client` at `node`. The requester may leave before it has its answer."""

    at: int
    node: int
    client: str
    cost: int = 1
    leaves_at: int | None = None


@dataclass(frozen=True, slots=True)
class Suspension:
    """A process stands still: `reads` as in `tests.model.loop.Stall`."""

    at: int
    ticks: int
    reads: int = 0


@dataclass(frozen=True, slots=True)
class NodePlan:
    """`zero`: what its monotonic clock shows at the start; `wall_ahead`: of Redis' clock, its wall clock."""

    zero: int
    wall_ahead: int
    timers_first: bool
    suspensions: tuple[Suspension, ...]
    weather: tuple[Weather, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One schedule, all of it."""

    seed: int
    family: str
    deadline_seconds: float
    on_failure: Literal["local", "open", "closed"]
    nodes: tuple[NodePlan, ...]
    split_chance: float
    """That what is written at once arrives in two pieces."""
    redis_url: str
    redis_origin: int
    redis_drift_ppm: int
    redis_suspensions: tuple[Suspension, ...]
    policies: tuple[tuple[str, Policy], ...]
    changes: tuple[Change, ...]
    requests: tuple[Request, ...]
    happenings: tuple[Happening, ...]
    healed_at: int
    ends_at: int

    @property
    def is_calm(self) -> bool:
        """Whether nothing goes wrong at all."""
        return not self.happenings and self.family in CALM


CALM = ("calm", "long")
