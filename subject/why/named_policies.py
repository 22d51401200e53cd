"""Where a policy comes from that a refusal names, and whom it refuses now."""

from collections.abc import Iterator

from gateway.contract import keys
from gateway.contract.policy_table import ADDRESS, CONCURRENCY, DEFAULT, OVERRIDE, OWN
from subject.cluster import metrics
from subject.cluster.policies import Policies
from subject.cluster.snapshot import Snapshot

TOLD = 5


def explained(snapshot: Snapshot, name: str) -> Iterator[str]:
    """Sentences without their full stops about a policy, by the name of one of its windows."""
    policy, _, period = name.rpartition("/")
    if not policy or policy == keys.route_scope("").rstrip("/"):
        policy, period = name, ""
    yield f"{name}: {_where(snapshot.policies, policy)}" + (f", its window of {period}" if period else "")
    refused = [
        client.client
        for client in sorted(metrics.of_clients(snapshot), key=lambda client: -client.refused_rate)
        if client.refused_rate and _may_be_of(snapshot.policies, client.client, policy)
    ]
    if refused:
        more = f" and {len(refused) - TOLD} more" if len(refused) > TOLD else ""
        yield f"Refused at this moment, and under it: {', '.join(refused[:TOLD])}{more} (subject why CLIENT)"


def _where(policies: Policies, policy: str) -> str:
    table = policies.table
    route = policy.removeprefix(keys.route_scope(""))
    if policy == OVERRIDE:
        return "a client's limit that was set live (subject limits lists them)"
    if policy == OWN:
        return "a client's own limit in the clients file"
    if policy == CONCURRENCY:
        return "too many of the client's requests were in flight at one node"
    if table is None:
        return "no node has published its limits"
    if policy == DEFAULT:
        return f"the default, {table.default} (GATEWAY_DEFAULT_LIMIT)"
    if policy == ADDRESS and table.address_limit is not None:
        return f"what one address may send without a registered key, {table.address_limit}"
    for of_table in table.routes:
        if of_table.policy_name == policy and of_table.limit is not None:
            return f"the limit of route {route}, {of_table.limit} a client"
    if policy in table.plans:
        return f"the plan {policy}, {table.plans[policy]}"
    return "a policy that nodes do not have at this moment"


def _may_be_of(policies: Policies, client: str, policy: str) -> bool:
    """Whether it is this client's, or one that all meet."""
    applied = policies.applied_to(client)
    own = (OVERRIDE, OWN, DEFAULT, *(() if policies.table is None else policies.table.plans))
    return policy not in own or (applied is not None and applied.name == policy)
