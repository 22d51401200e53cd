"""Which limit applies to a client, and which clients there are."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from gateway.contract import keys
from gateway.contract.client_id import UNKNOWN_PREFIX, is_address_id
from gateway.contract.limits import Limit
from gateway.contract.overrides import GENERATION_FIELD, LIMIT_FIELD, Override, Overrides
from gateway.contract.policy_table import ADDRESS, OVERRIDE, Policy, PolicyTable, window_names
from gateway.contract.records import AuditRecord, RosterEntry
from subject.cluster.live_changes import LiveChanges

REJECT = "reject"
"""What a table says of unknown keys, or of requests without one, where a node refuses them."""


@dataclass(frozen=True, slots=True)
class NamedWindow:
    """One window, what it is called, and the scope of its keys."""

    name: str
    scope: str
    limit: Limit

    def key(self, client: str, generation: int) -> str:
        """Its key; what an address uses with many keys is not reset with what it uses as a client."""
        of_key = 0 if self.scope == keys.ADDRESS_SCOPE else generation
        return keys.window(client, self.scope, self.limit.period_seconds, of_key)


@dataclass(frozen=True, slots=True)
class Policies:
    """The live overrides in force and the table that most nodes enforce; None where none is published.

    `registered` are the clients of all tables; `registered_only`: there are tables, and all refuse others'
    keys; `keyed_only`: there are tables, and all refuse requests without a key.
    `ended` are the overrides that have come to their end and still stand in Redis. `problem` says why the
    overrides cannot be read at all, and is empty where they can. `tables` are all that nodes enforce, by
    digest; `table_since` is the time from which on some node has had `table`: before then all may have had
    another. `changes` are what the audit has of the last minutes; None: it was not read.
    """

    overrides: Overrides = field(default_factory=Overrides)
    table: PolicyTable | None = None
    registered: frozenset[str] = frozenset()
    registered_only: bool = False
    keyed_only: bool = False
    ended: Mapping[str, Override] = field(default_factory=dict)
    problem: str = ""
    tables: Mapping[str, PolicyTable] = field(default_factory=dict)
    table_since: float = 0.0
    changes: tuple[AuditRecord, ...] | None = None

    @classmethod
    def published(
        cls,
        changes: LiveChanges,
        at: float,
        roster: Mapping[str, RosterEntry],
        tables: Mapping[str, PolicyTable],
    ) -> "Policies":
        """At this time, of the nodes in the roster, with their tables by digest."""
        standing = changes.overrides
        ended = {client: one for client, one in standing.limits.items() if not one.holds(at)}
        digest = _most_common(roster, tables)
        table = None if digest is None else tables[digest]
        found = cls.of(standing.in_force(at), table, tables, ended, changes.problem)
        return replace(found, table_since=_had_since(roster.values(), digest))

    @classmethod
    def of(
        cls,
        in_force: Overrides,
        table: PolicyTable | None,
        tables: Mapping[str, PolicyTable],
        ended: Mapping[str, Override],
        problem: str,
    ) -> "Policies":
        """What these say together; `table` is the one among `tables` that most nodes enforce."""
        return cls(
            overrides=in_force,
            table=table,
            registered=frozenset(name for one in tables.values() for name in one.clients),
            registered_only=bool(tables) and all(one.unknown_keys == REJECT for one in tables.values()),
            keyed_only=bool(tables) and all(one.anonymous == REJECT for one in tables.values()),
            ended=ended,
            problem=problem,
            tables=tables,
        )

    def applied_to(self, client: str) -> Policy | None:
        """What holds for a client, as far as it is known: without a table only an override is."""
        if self.table is not None:
            return self.table.policy_of(client, self.overrides)
        override = self.overrides.limits.get(client)
        return None if override is None else Policy(OVERRIDE, override.limit)

    def usual_of(self, client: str) -> Policy | None:
        """What would hold without a live override, as far as it is known."""
        return None if self.table is None else self.table.policy_of(client, Overrides())

    @property
    def live_changes(self) -> int:
        """How many records of live changes stand in Redis."""
        live = self.overrides
        return len(live.limits) + len(live.generations) + len(live.malformed) + len(self.ended)

    def windows_of(self, client: str, *, with_routes: bool) -> list[NamedWindow]:
        """The windows that a client's requests are counted in, as far as they are known."""
        applied = self.applied_to(client)
        if applied is None:
            return []
        policies = [(applied.name, keys.CLIENT_SCOPE, applied.limits)]
        if with_routes and self.table is not None:
            routes = self.table.routes
            policies += [
                (route.policy_name, route.policy_name, route.limit)
                for route in routes
                if route.limit is not None
            ]
            if self.table.address_limit is not None and is_address_id(client):
                policies.append((ADDRESS, keys.ADDRESS_SCOPE, self.table.address_limit))
        return [
            NamedWindow(name, scope, limit)
            for policy_name, scope, limits in policies
            for name, limit in zip(window_names(policy_name, limits), limits.windows, strict=True)
        ]

    def is_denied(self, client: str) -> bool:
        """Whether the nodes let nobody in who is this client."""
        return self.table is not None and client in self.table.deny

    @property
    def with_limits_of_their_own(self) -> list[str]:
        """The clients that were registered or given a limit live, by name."""
        registered = () if self.table is None else self.table.clients
        return sorted({*self.overrides.limits, *registered})

    def is_client(self, client: str) -> bool:
        """Whether some node knows a client of this id, or would take a key or an address that has it."""
        if client.startswith(UNKNOWN_PREFIX):
            return not self.registered_only
        if is_address_id(client):
            return not self.keyed_only
        return client in self.registered

    def is_changed(self, client: str) -> bool:
        """Whether there is a live change for it, readable or not."""
        fields = {LIMIT_FIELD + client, GENERATION_FIELD + client}
        changed = (self.overrides.limits, self.overrides.generations, self.ended)
        return any(client in kind for kind in changed) or not fields.isdisjoint(self.overrides.malformed)


def _had_since(roster: Collection[RosterEntry], digest: str | None) -> float:
    """From when on some node has had the table of this digest; 0 where none has it."""
    return min((_read_files_at(entry) for entry in roster if entry.policy_digest == digest), default=0.0)


def _read_files_at(entry: RosterEntry) -> float:
    """By when a node had read its files: since its start, or by its last reload where one changed them."""
    reloads = entry.last.reloads
    if reloads.at is None or not reloads.done:
        return entry.last.started_at
    return max(entry.last.started_at, reloads.at)


def _most_common(roster: Mapping[str, RosterEntry], tables: Mapping[str, PolicyTable]) -> str | None:
    """The digest of the table that most nodes enforce; the node that wrote last decides between equals."""
    counts = Counter(entry.policy_digest for entry in roster.values() if entry.policy_digest in tables)
    if not counts:
        return None
    latest = {entry.policy_digest: entry.last.at for entry in roster.values()}
    return max(counts, key=lambda digest: (counts[digest], latest[digest]))
