"""Which limit applies to a client, and why."""

from dataclasses import dataclass, field

from gateway.contract.limits import Limit
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import PolicyTable


@dataclass(frozen=True, slots=True)
class Applied:
    """A limit and where it comes from: override, client, ``plan NAME`` or default."""

    limit: Limit
    source: str


@dataclass(frozen=True, slots=True)
class Policies:
    """The live overrides and the table that most nodes enforce; None where no node has published one."""

    overrides: Overrides = field(default_factory=Overrides)
    table: PolicyTable | None = None

    def applied_to(self, client: str) -> Applied | None:
        """A client's limit by DESIGN's precedence: override › client › plan › default."""
        override = self.overrides.limits.get(client)
        if override is not None:
            return Applied(override.limit, "override")
        if self.table is None:
            return None
        entry = self.table.clients.get(client)
        if entry is not None and entry.limit is not None:
            source = "client"
        elif entry is not None and entry.plan is not None:
            source = f"plan {entry.plan}"
        else:
            source = "default"
        return Applied(self.table.limit_of(client), source)
