"""What a node tells of a request that it refused: see ``/refusals/REQUEST-ID`` of its admin listener."""

from dataclasses import dataclass

from gateway.contract.limits import Limits

KEPT = 1000
"""So many a node remembers, the last ones."""


@dataclass(frozen=True, slots=True)
class RefusedBy:
    """One window that had no room for it."""

    name: str  # as `gateway.contract.policy_table.window_names` has it
    limit: Limits  # that window alone
    remaining: int
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request. Whose key it showed is not told, only which client that is."""

    request_id: str
    at: float  # when it came, in seconds since 1970 by Redis' clock as the node knew it
    client: str
    cost: int  # what it would have taken of each window
    by: tuple[RefusedBy, ...]
    concurrency: int | None = None  # so many of the client's were in flight at the node, where that is why
