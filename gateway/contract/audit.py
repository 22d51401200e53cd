"""What an operator did, in the audit stream."""

from dataclasses import dataclass

STREAM_FIELD = "record"
STREAM_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One action."""

    at: float  # seconds since 1970, by Redis' clock
    by: str
    action: str  # set | unset | reset | forget
    client: str  # empty where it is about a node
    before: str | None  # the override's limit before, or the generation
    after: str | None
    why: str | None
    until: float | None = None  # when a limit that was set ends by itself, by Redis' clock
    node: str | None = None  # that was forgotten
