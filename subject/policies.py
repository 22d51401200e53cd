"""Which limit applies to a client, and which clients there are."""

from dataclasses import dataclass, field

from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import OVERRIDE, Policy, PolicyTable


@dataclass(frozen=True, slots=True)
class Policies:
    """The live overrides and the table that most nodes enforce; None where no node has published one."""

    overrides: Overrides = field(default_factory=Overrides)
    table: PolicyTable | None = None

    def applied_to(self, client: str) -> Policy | None:
        """What holds for a client, as far as it is known: without a table only an override is."""
        if self.table is not None:
            return self.table.policy_of(client, self.overrides)
        override = self.overrides.limits.get(client)
        return None if override is None else Policy(OVERRIDE, override.limit)
