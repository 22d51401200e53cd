"""Which limits a node enforces: its settings and its clients file as the table that it publishes."""

from gateway.contract.clients import Clients
from gateway.contract.limits import Limit
from gateway.contract.policy_table import ClientPolicy, PolicyTable


def policy_table(
    clients: Clients, *, default: Limit, accepts_unknown_keys: bool, on_store_failure: str
) -> PolicyTable:
    """The table that the node enforces and publishes."""
    return PolicyTable(
        default=default,
        unknown_keys="accept" if accepts_unknown_keys else "reject",
        on_store_failure=on_store_failure,
        plans=dict(clients.plans),
        clients={client.name: ClientPolicy(client.plan, client.limit) for client in clients.by_name.values()},
    )
