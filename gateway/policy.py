"""Which policies a node enforces: its settings and its files as the table that it publishes."""

from collections.abc import Iterator

from gateway.contract.clients import Clients
from gateway.contract.limits import Limits
from gateway.contract.policy_table import PolicyTable, Terms
from gateway.contract.routes import Route


def policy_table(
    clients: Clients,
    *,
    default: Limits,
    accepts_unknown_keys: bool,
    accepts_anonymous: bool = False,
    on_store_failure: str,
    default_concurrency: int = 0,
    shadow: bool = False,
    address_limit: Limits | None = None,
    routes: tuple[Route, ...] = (),
    exempt: tuple[str, ...] = (),
    allow: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
) -> PolicyTable:
    """The table that the node enforces and publishes.

    Raises:
        ValueError: a route costs more than a limit that its requests meet; the message names both.
    """
    table = PolicyTable(
        default=default,
        unknown_keys="accept" if accepts_unknown_keys else "reject",
        on_store_failure=on_store_failure,
        plans={name: plan.limit for name, plan in clients.plans.items()},
        clients=dict(clients.by_name),
        plan_terms={name: plan.terms for name, plan in clients.plans.items() if plan.terms != Terms()},
        default_concurrency=default_concurrency,
        shadow=shadow,
        address_limit=address_limit,
        routes=routes,
        exempt=exempt,
        allow=allow,
        deny=deny,
        anonymous="address" if accepts_anonymous else "reject",
    )
    _check_costs(table)
    return table


def _check_costs(table: PolicyTable) -> None:
    for route in table.routes:
        for whose, limits in _limits_met(table, route):
            if route.cost > limits.smallest_quota:
                raise ValueError(
                    f"route {route.name!r} costs {route.cost}, which {whose} of {limits} can never admit"
                )


def _limits_met(table: PolicyTable, route: Route) -> Iterator[tuple[str, Limits]]:
    if route.limit is not None:
        yield "its own limit", route.limit
    yield "the default limit", table.default
    for name, limits in table.plans.items():
        yield f"the limit of plan {name!r}", limits
    for name, client in table.clients.items():
        if client.limit is not None:
            yield f"the limit of client {name!r}", client.limit
    if table.address_limit is not None:
        yield "the limit of an address", table.address_limit
