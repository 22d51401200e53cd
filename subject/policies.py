"""Which limit applies to a client, and why."""

from dataclasses import dataclass, field

from gateway.contract.limits import Limit
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import NOT_FOR_PLANS, PolicyTable


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
        policy = self.table.policy_of(client, self.overrides)
        is_plan = policy.name not in NOT_FOR_PLANS
        return Applied(policy.limit, f"plan {policy.name}" if is_plan else policy.name)
