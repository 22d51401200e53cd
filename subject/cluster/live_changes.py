"""What operators have changed live, as it stood in Redis: the overrides, and the audit of who did what."""

from dataclasses import dataclass, field

from gateway.contract.overrides import Overrides
from gateway.contract.records import AuditRecord

UNREADABLE = "unreadable"
"""What an audit record has for a limit that could not be read when it was replaced or taken out."""
ENDED = " (ended)"
"""How it marks one that had come to its end by itself."""


@dataclass(frozen=True, slots=True)
class LiveChanges:
    """The overrides hash; `problem` says in words why none of it can be read, and is empty where it can."""

    overrides: Overrides = field(default_factory=Overrides)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was done, the newest last; `unreadable` entries are left out."""

    at: float  # when it was read, by Redis' clock
    records: tuple[AuditRecord, ...]
    unreadable: int
