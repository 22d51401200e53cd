"""Which limits a node enforces, and which of them holds for a client."""

from gateway.contract.clients import Clients
from gateway.contract.limits import Limit
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ClientPolicy, Policy, PolicyTable


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


def policy_of(client: str, table: PolicyTable, overrides: Overrides) -> Policy:
    """The policy that holds for `client` now: live override › client › plan › default."""
    override = overrides.limits.get(client)
    return table.policy_of(client) if override is None else Policy("override", override.limit)
