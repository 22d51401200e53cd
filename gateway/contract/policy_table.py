"""The policies that a node enforces, published under their digest so that observers know the limits."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gateway.contract.limits import Limits
from gateway.contract.overrides import Overrides
from gateway.contract.records import encode
from gateway.contract.routes import Route

Term = TypeVar("Term", int, bool)

LIFETIME_SECONDS = 86400
"""How long a table stays after the last node that enforces it has said so."""

OVERRIDE, OWN, DEFAULT, ADDRESS, CONCURRENCY = ("override", "client", "default", "address", "concurrency")
NOT_FOR_PLANS = (OVERRIDE, OWN, DEFAULT, ADDRESS, CONCURRENCY, "route")
"""The names of policies that come from no plan, and so cannot be a plan's; those of routes begin so."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a client, and the name it is shown under: its plan's, or one of `NOT_FOR_PLANS`.

    `concurrency` is how many of its requests may be in flight at a node; 0 is any number. In `shadow` all is
    counted and told, and nobody is refused.
    """

    name: str
    limits: Limits
    concurrency: int = 0
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan has beside its limit; None is what stands beneath it."""

    concurrency: int | None = None
    shadow: bool | None = None


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """A registered client's plan, and what it has of its own, if anything."""

    plan: str | None = None
    limit: Limits | None = None
    concurrency: int | None = None
    shadow: bool | None = None


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """All policies of a node but the live overrides."""

    default: Limits
    unknown_keys: str  # accept | reject
    on_store_failure: str  # local | open | closed
    plans: dict[str, Limits]
    clients: dict[str, ClientPolicy]
    plan_terms: dict[str, Terms] = field(default_factory=dict)  # of plans that have more than a limit
    default_concurrency: int = 0
    shadow: bool = False  # of everything
    address_limit: Limits | None = None
    routes: tuple[Route, ...] = ()  # the first one that takes a request is its own
    exempt: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    anonymous: str = "reject"  # reject | address

    def __post_init__(self) -> None:
        """Refuse a client whose plan is not in the table (ValueError, so that `decode` refuses it too)."""
        for name, client in self.clients.items():
            if client.plan is not None and client.plan not in self.plans:
                raise ValueError(f"client {name!r} has the plan {client.plan!r}, which is not there")

    @property
    def limits_routes(self) -> bool:
        """Whether there are limits beside those of clients."""
        return any(route.limit is not None for route in self.routes)

    def digest(self) -> str:
        """16 hex digits that are the same for the same table."""
        return hashlib.blake2b(_canonical(self).encode(), digest_size=8).hexdigest()

    def policy_of(self, client_id: str, overrides: Overrides) -> Policy:
        """What holds for a client: live override › its own › its plan's › the default, each by itself."""
        client = self.clients.get(client_id, _UNREGISTERED)
        terms = _NO_TERMS if client.plan is None else self.plan_terms.get(client.plan, _NO_TERMS)
        name, limits = self._limits_of(client_id, client, overrides)
        return Policy(
            name,
            limits,
            _first(client.concurrency, terms.concurrency, self.default_concurrency),
            self.shadow or _first(client.shadow, terms.shadow, False),
        )

    def _limits_of(self, client_id: str, client: ClientPolicy, overrides: Overrides) -> tuple[str, Limits]:
        override = overrides.limits.get(client_id)
        if override is not None:
            return OVERRIDE, override.limit
        if client.limit is not None:
            return OWN, client.limit
        if client.plan is not None:
            return client.plan, self.plans[client.plan]
        return DEFAULT, self.default


def window_names(policy_name: str, limits: Limits) -> tuple[str, ...]:
    """What each window of a policy is called: as the policy, or with its period behind it where there are
    several (``gold/s``, ``gold/m``). No name has a slash, so it is no other policy's.
    """
    if len(limits.windows) == 1:
        return (policy_name,)
    return tuple(f"{policy_name}/{limit.period}" for limit in limits.windows)


_UNREGISTERED = ClientPolicy()
_NO_TERMS = Terms()


def _first(own: Term | None, of_plan: Term | None, beneath: Term) -> Term:
    return own if own is not None else of_plan if of_plan is not None else beneath


def _canonical(table: PolicyTable) -> str:
    """The same text in whatever order plans, clients and lists were written; that of routes counts."""
    ordered = replace(
        table,
        plans=dict(sorted(table.plans.items())),
        clients=dict(sorted(table.clients.items())),
        plan_terms=dict(sorted(table.plan_terms.items())),
        exempt=tuple(sorted(table.exempt)),
        allow=tuple(sorted(table.allow)),
        deny=tuple(sorted(table.deny)),
    )
    return encode(ordered)
