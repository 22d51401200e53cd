"""What a simulation leaves: what was asked and answered, and what Redis has executed."""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum

from gateway.limiter.decision import Hit, WindowStatus
from tests.model.redis import Executed
from tests.model.scenario import Request, Scenario


class By(Enum):
    """Who decided about a request."""

    NOBODY = "nobody yet"
    STORE = "Redis"
    NODE = "the node itself"
    OPEN = "let through uncounted"
    CLOSED = "turned away without Redis"
    LEFT = "the requester has left"
    KILLED = "the node was killed"


@dataclass(slots=True, eq=False)
class Outcome:
    """What became of a request. `link` and `replies` say by which replies it was decided, if by any."""

    request: Request
    node: int
    hits: tuple[Hit, ...]
    began: int
    by: By = By.NOBODY
    ended: int = -1
    stood_still: int = 0  # µs of the time between in which the node did not run
    statuses: tuple[WindowStatus, ...] = ()
    link: int = -1
    replies: int = 0

    @property
    def passed(self) -> bool:
        """Whether the request went on to the upstream, counted."""
        return self.by in (By.STORE, By.NODE) and all(
            status.admitted or hit.shadow for hit, status in zip(self.hits, self.statuses, strict=True)
        )


@dataclass(slots=True)
class LinkEnd:
    """How a connection ended. `lost_at`: world µs at the node, None where it was there to the end."""

    node: int
    lost_at: int | None
    delivered: list[tuple[int, int]]  # world µs, and the replies that the node had by then
    executed: list[Executed]

    def told_at(self, position: int) -> int | None:
        """World µs at which the node had the reply to what was executed at `position`."""
        place = bisect_right(self.delivered, position, key=lambda each: each[1])
        return self.delivered[place][0] if place < len(self.delivered) else None

    @property
    def is_whole(self) -> bool:
        """Whether it was there to the end, and all replies came."""
        return self.lost_at is None and (
            not self.executed or self.told_at(len(self.executed) - 1) is not None
        )


@dataclass(slots=True)
class Record:
    """Everything that the invariants are about."""

    scenario: Scenario
    outcomes: list[Outcome]
    log: list[Executed]
    failures: list[str]
    links: list[LinkEnd] = field(default_factory=list)
    expired: list[tuple[int, bytes, dict[bytes, bytes]]] = field(
        default_factory=list
    )  # Redis' ms, key, fields
    most_fields: int = 0  # that any hash ever had
    below_zero: list[str] = field(default_factory=list)  # counts in Redis at `ended_at`
    healed_at: int = 0  # world µs after which nothing goes wrong
    ended_at: int = 0  # world µs at which the nodes were stopped
    tasks_left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # what nodes still hold in memory and should not

    def digest(self) -> str:
        """Equal for equal runs."""
        text = hashlib.blake2b(digest_size=16)
        for entry in self.log:
            text.update(repr(entry).encode())
        for outcome in self.outcomes:
            text.update(repr((outcome.began, outcome.ended, outcome.by.name, outcome.statuses)).encode())
        return text.hexdigest()
