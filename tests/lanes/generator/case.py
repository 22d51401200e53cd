"""What happens to a node: the bytes of clients, and how Redis and the services behind answer."""

from dataclasses import dataclass, field
from enum import StrEnum

from tests.lanes.generator.configuration import Configuration


class End(StrEnum):
    """How one side of a connection ends it."""

    IN_ORDER = "in order"
    BY_RESET = "by a reset"


@dataclass(frozen=True, slots=True)
class Send:
    """A client sends bytes. Unless `joined` the node has done what it can before anything else happens."""

    client: int
    data: bytes
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes from any client for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """A client takes nothing more of what is sent to it, or all again."""

    client: int
    still: bool


@dataclass(frozen=True, slots=True)
class Leave:
    """A client says that it sends no more, or is gone."""

    client: int
    end: End


@dataclass(frozen=True, slots=True)
class Drain:
    """The node is told to stop: it answers what has come, and keeps no connection."""


Step = Send | Pause | Hold | Leave | Drain


class Verdict(StrEnum):
    """What Redis says of a request."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    REMEMBERED = "refused as one before"
    AWAY = "not there"
    LOST = "no answer"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and after how long it is told: None is from where it was asked for."""

    verdict: Verdict
    seconds: float


class Close(StrEnum):
    """What an upstream does with its connection behind an answer."""

    KEPT = "kept"
    CLOSED = "closed"
    RESET = "reset"
    CLOSED_UNSEEN = "closed, and the event loop has not seen it"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an answer, after so long; None: with those before in one turn of the event loop."""

    data: bytes
    seconds: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an upstream answers one request. `body` is left out where HEAD was asked, but for `insists`.

    `early`: as soon as the request's head is there.
    """

    head: tuple[Piece, ...]
    body: tuple[Piece, ...] = ()
    close: Close = Close.KEPT
    insists: bool = False
    early: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Some connections of clients, from an address each, and what becomes of their requests in order."""

    peers: tuple[str, ...]
    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]
    behaviours: tuple[Behaviour, ...]
    refused_dials: tuple[bool, ...] = ()
    """Of new connections to upstreams: whether nobody is there."""
    end_seconds: float = 40.0
    """How long clients stay behind the last step."""


@dataclass(frozen=True, slots=True)
class Round:
    """Cases, one after the other, at a node of these settings."""

    seed: int
    configuration: Configuration = field(default_factory=Configuration)
    cases: tuple[Case, ...] = ()
