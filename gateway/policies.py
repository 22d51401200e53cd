"""What a node decides by, as one value: a change is one assignment, and no request sees a mixture."""

from dataclasses import dataclass

from gateway.access import AccessList
from gateway.contract.policy_table import PolicyTable
from gateway.exempt import Exempt
from gateway.identity import Identity
from gateway.meters import Meters


@dataclass(frozen=True, slots=True)
class Policies:
    """All that the settings and their files say of who may do what; `meters` are those of `table`."""

    table: PolicyTable
    identity: Identity
    meters: Meters
    exempt: Exempt
    allow: AccessList
    deny: AccessList

    @property
    def need_addresses(self) -> bool:
        """Whether a decision depends on the client's address."""
        lists = self.allow.networks or self.deny.networks
        return bool(lists or self.meters.of_address or self.identity.accepts_anonymous)
