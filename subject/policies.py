"""Which limit applies to a client, and which clients there are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.contract.client_id import UNKNOWN_PREFIX
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD, Overrides
from gateway.contract.policy_table import OVERRIDE, Policy, PolicyTable
from gateway.contract.roster import RosterEntry

REJECT = "reject"
"""What a table says of unknown keys where a node refuses them."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The live overrides and the table that most nodes enforce; None where no node has published one.

    `registered` are the clients of all tables; `registered_only`: there are tables, and all refuse others.
    """

    overrides: Overrides = field(default_factory=Overrides)
    table: PolicyTable | None = None
    registered: frozenset[str] = frozenset()
    registered_only: bool = False

    @classmethod
    def published(
        cls, overrides: Overrides, roster: Mapping[str, RosterEntry], tables: Mapping[str, PolicyTable]
    ) -> "Policies":
        """Of the nodes in the roster, with their tables by digest."""
        registered = frozenset(name for table in tables.values() for name in table.clients)
        registered_only = bool(tables) and all(table.unknown_keys == REJECT for table in tables.values())
        return cls(overrides, _most_common(roster, tables), registered, registered_only)

    def applied_to(self, client: str) -> Policy | None:
        """What holds for a client, as far as it is known: without a table only an override is."""
        if self.table is not None:
            return self.table.policy_of(client, self.overrides)
        override = self.overrides.limits.get(client)
        return None if override is None else Policy(OVERRIDE, override.limit)

    @property
    def with_limits_of_their_own(self) -> list[str]:
        """The clients that were registered or given a limit live, by name."""
        registered = () if self.table is None else self.table.clients
        return sorted({*self.overrides.limits, *registered})

    def is_client(self, client: str) -> bool:
        """Whether some node knows a client of this id, or would take a key that has it."""
        accepted = client.startswith(UNKNOWN_PREFIX) and not self.registered_only
        return accepted or client in self.registered

    def is_changed(self, client: str) -> bool:
        """Whether there is a live change for it, readable or not."""
        fields = {LIMIT_FIELD + client, GENERATION_FIELD + client}
        changed = self.overrides.limits.keys() | self.overrides.generations.keys()
        return client in changed or not fields.isdisjoint(self.overrides.malformed)


def _most_common(roster: Mapping[str, RosterEntry], tables: Mapping[str, PolicyTable]) -> PolicyTable | None:
    """The table that most nodes enforce; the one whose node wrote last decides between equals."""
    counts = Counter(entry.policy_digest for entry in roster.values() if entry.policy_digest in tables)
    if not counts:
        return None
    latest = {entry.policy_digest: entry.last.at for entry in roster.values()}
    return tables[max(counts, key=lambda digest: (counts[digest], latest[digest]))]
