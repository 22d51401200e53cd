"""What a node decides by, as one value: a change is one assignment, and no request sees a mixture."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access import AccessList
from gateway.contract.policy_table import PolicyTable
from gateway.exempt import Exempt
from gateway.identity import Identity
from gateway.meters import Meters
from gateway.routing import Routing


@dataclass(frozen=True, slots=True)
class Policies:
    """All that the settings and their files say of who may do what, and where it goes.

    `meters` and `routing` are those of `table`; `upstreams` has the addresses of each name in it.
    """

    table: PolicyTable
    identity: Identity
    meters: Meters
    routing: Routing
    exempt: Exempt
    allow: AccessList
    deny: AccessList
    upstreams: Mapping[str, tuple[str, ...]]

    need_addresses: bool = field(init=False)
    """Whether a decision depends on the client's address."""
    key_says_all: bool = field(init=False)
    """Whether the key alone says whose a request is and what it is charged: no list, route or exemption."""

    def __post_init__(self) -> None:
        lists = self.allow.networks or self.deny.networks
        need = bool(lists or self.meters.of_address or self.identity.accepts_anonymous)
        object.__setattr__(self, "need_addresses", need)
        listed = self.exempt.entries or self.allow.entries or self.deny.entries or self.table.routes
        object.__setattr__(self, "key_says_all", not (need or listed))
