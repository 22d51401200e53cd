"""What a scenario is, and the setting that all are drawn in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, sqrt

from gateway.contract.limits import Limit
from loadtest.load import Load, Stream
from loadtest.scenarios.fault import Fault
from loadtest.scenarios.remedy import Remedy

CALM_SECONDS = 5.0
"""At least this long between two scenarios, so that the next does not stand in the shadow of the last."""

DRAIN_SECONDS = 1.0
"""So long before it leaves a node gets no more requests."""

FLAP_SECONDS = 65.0
"""Until a node's starts count no more: with three within a minute it comes and goes."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the background load; one that is on a plan is registered under its id."""

    key: str
    id: str
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """The cluster and its usual load, from which a scenario departs; who is on a plan has its limit."""

    node_ids: tuple[str, ...]
    clients: tuple[Client, ...]
    rate_per_second: float
    limit: Limit  # of each client; of several windows the one that lets the fewest through in the long run
    store_deadline_seconds: float  # how long nodes wait for Redis
    other_windows: tuple[Limit, ...] = ()
    plans: Mapping[str, Limit] = field(default_factory=dict)

    def limit_of(self, client: Client) -> Limit:
        """What this one may send, as long as nobody changes it."""
        return self.limit if client.plan is None else self.plans[client.plan]

    @property
    def usual(self) -> Load:
        """The usual load."""
        return Load((self.background(),))

    @property
    def windows(self) -> tuple[Limit, ...]:
        """All of a client's."""
        return (self.limit, *self.other_windows)

    @property
    def windows_text(self) -> str:
        """They as one writes them: ``500/m,10/s``."""
        return ",".join(map(str, self.windows))

    @property
    def limit_per_second(self) -> float:
        """What a client may send in the long run."""
        return self.limit.quota / self.limit.period_seconds

    @property
    def bearable_per_second(self) -> float:
        """What a client can send, at any times, and hardly ever be refused: into each window fit the x
        requests that are expected and four times their deviation, x + 4·√x = q."""
        return min((sqrt(window.quota + 4) - 2) ** 2 / window.period_seconds for window in self.windows)

    def fill_seconds(self, rate_per_second: float) -> float:
        """How long a client at this rate takes to fill a window; infinite where it never does."""
        return min(
            window.quota / rate_per_second if rate_per_second * window.period_seconds > window.quota else inf
            for window in self.windows
        )

    def background(self, factor: float = 1.0, node_weights: tuple[float, ...] = ()) -> Stream:
        """The usual requests, `factor` times as many, spread over the nodes by `node_weights`."""
        keys = tuple(client.key for client in self.clients)
        return Stream(self.rate_per_second * factor, keys, node_weights)

    def without(self, node_id: str) -> Load:
        """The usual load, as a load balancer sends it that has noticed that this node is not ready."""
        weights = tuple(0.0 if other == node_id else 1.0 for other in self.node_ids)
        return Load((self.background(node_weights=weights),))


@dataclass(frozen=True, slots=True)
class Sign:
    """A finding that a scenario can bring; any id where `id` is None."""

    code: str
    kind: str  # node | client | cluster
    id: str | None = None

    def matches(self, code: str, kind: str, subject_id: str) -> bool:
        """Whether a finding of this code about that subject is meant."""
        return (code, kind) == (self.code, self.kind) and self.id in (None, subject_id)

    def __str__(self) -> str:
        """As the progress shows it."""
        return f"{self.code} ({self.id or self.kind})"


@dataclass(frozen=True, slots=True)
class Step:
    """What holds for some time: the load, and the faults. A fault that the step before had goes on."""

    seconds: float
    load: Load
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Load over time, faults and truth.

    `injected` says in words what is done. All of `expected` has to be found, from the start until what it
    caused has passed; `allowed` may be found as well, since it is true too; anything else is a false alarm.

    Where something is expected, the subject makes so many `problems` of it when it has found all of that: one
    for each cause.

    Where there is a `remedy`, an operator does that when all is found, before the last step ends.

    `begins` is the step from which on it is so. `clear_seconds` after its end at the latest nothing is found
    any more, and the next one begins `calm_seconds` after its end at the earliest.
    """

    name: str
    injected: str
    steps: tuple[Step, ...]
    expected: tuple[Sign, ...]
    allowed: tuple[Sign, ...] = ()
    problems: int = 1
    remedy: Remedy | None = None
    begins: int = 0
    clear_seconds: float = 20.0
    calm_seconds: float = CALM_SECONDS

    @property
    def most_per_second(self) -> float:
        """The highest rate of its requests."""
        return max(step.load.rate_per_second for step in self.steps)
