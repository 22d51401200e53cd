"""What one look brought, as it was read and before anything is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.contract.records import RosterEntry, TelemetryRecord
from subject.cluster.policies import Policies
from subject.cluster.steps import Step
from subject.cluster.windows import ClientWindow
from subject.errors import RedisAwayError, RedisRefusesError, advised


@dataclass(frozen=True, slots=True)
class RedisHealth:
    """Redis as the subject meets it."""

    connected: bool
    place: str  # host:port
    problem: str = ""  # why not connected, in words
    refuses: bool = False  # it answers, and `problem` is the error that it answers with
    answered_at: float | None = None  # when it last did; None: never to this reader
    round_trip_seconds: float | None = None
    used_bytes: int = 0
    maximum_bytes: int = 0

    @property
    def trouble(self) -> str:
        """What it does where it is not connected, as a predicate."""
        if self.refuses:
            return f"refuses: {advised(self.problem)}"
        return f"does not answer: {self.problem}"

    @property
    def error(self) -> RedisAwayError | RedisRefusesError:
        """The same for whoever needs it."""
        kind = RedisRefusesError if self.refuses else RedisAwayError
        return kind(self.place, self.problem)


@dataclass(frozen=True, slots=True)
class View:
    """One look at the cluster.

    `roster` is the last one known where Redis is away. `states` are the entries that nodes gave when they
    were asked at /state, `asked` the nodes (by id) that were. `seen_at` is when Redis or a node last
    answered; None: never.
    """

    at: float
    seen_at: float | None
    redis: RedisHealth
    roster: Mapping[str, RosterEntry] = field(default_factory=dict)
    records: tuple[TelemetryRecord, ...] = ()
    states: Mapping[str, RosterEntry] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    unanswered: tuple[str, ...] = ()  # addresses in SUBJECT_NODES of which nothing is known
    policies: Policies = field(default_factory=Policies)
    windows: tuple[ClientWindow, ...] = ()
    unreadable: tuple[str, ...] = ()
    unread_nodes: tuple[str, ...] = ()  # ids in the roster whose entries cannot be read
    steps: tuple[Step, ...] = ()  # of before the records, and of their time as far as they are complete

    @property
    def sees(self) -> bool:
        """Whether Redis or any node answered this time."""
        return self.redis.connected or bool(self.states)
