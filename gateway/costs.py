"""Whether what a route costs can be had of each limit that its requests meet."""

from collections.abc import Iterator

from gateway.contract.limits import Limits
from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import Route


def check_costs(table: PolicyTable) -> None:
    """Let pass a table of which no route costs more than there is.

    Raises:
        ValueError: one does; the message names it and the limit.
    """
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
