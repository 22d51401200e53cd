"""The policies that a node enforces, published under their digest so that observers know the limits."""

import hashlib
from dataclasses import dataclass

from gateway.contract.codec import encode
from gateway.contract.limits import Limit
from gateway.contract.overrides import Overrides

LIFETIME_SECONDS = 86400
"""How long a table stays after the last node that enforces it has said so."""


OVERRIDE, OWN, DEFAULT = NOT_FOR_PLANS = ("override", "client", "default")
"""The names of policies that come from no plan, and so cannot be a plan's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit and the name it is shown under: its plan's, or one of `NOT_FOR_PLANS`."""

    name: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """A registered client's plan and own limit, if any."""

    plan: str | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """All limits of a node but the live overrides."""

    default: Limit
    unknown_keys: str  # accept | reject
    on_store_failure: str  # local | open | closed
    plans: dict[str, Limit]
    clients: dict[str, ClientPolicy]

    def __post_init__(self) -> None:
        """Refuse a client whose plan is not in the table (ValueError, so that `decode` refuses it too)."""
        for name, client in self.clients.items():
            if client.plan is not None and client.plan not in self.plans:
                raise ValueError(f"client {name!r} has the plan {client.plan!r}, which is not there")

    def digest(self) -> str:
        """16 hex digits that are the same for the same table."""
        return hashlib.blake2b(_canonical(self).encode(), digest_size=8).hexdigest()

    def policy_of(self, client_id: str, overrides: Overrides) -> Policy:
        """What holds for a client: live override › its own limit › its plan's › the default."""
        override = overrides.limits.get(client_id)
        if override is not None:
            return Policy(OVERRIDE, override.limit)
        client = self.clients.get(client_id, ClientPolicy())
        if client.limit is not None:
            return Policy(OWN, client.limit)
        if client.plan is not None:
            return Policy(client.plan, self.plans[client.plan])
        return Policy(DEFAULT, self.default)


def _canonical(table: PolicyTable) -> str:
    ordered = PolicyTable(
        table.default,
        table.unknown_keys,
        table.on_store_failure,
        dict(sorted(table.plans.items())),
        dict(sorted(table.clients.items())),
    )
    return encode(ordered)
