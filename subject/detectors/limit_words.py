"""The limit that a client was refused by, in words."""

from subject.cluster.policies import Policies
from subject.figures import clock


def limit_of(policies: Policies, client: str, since: float) -> str:
    """What a client is over that has been refused since then; which of several limits it is, records do not
    tell, nor what a live limit was before it was changed."""
    override = policies.overrides.limits.get(client)
    if override is not None and override.at > since:
        return f"its limit (changed to {override.limit} at {clock(override.at)})"
    applied = policies.applied_to(client)
    if applied is None:
        return "its limit"
    others = " or a route's" if policies.table is not None and policies.table.limits_routes else ""
    if applied.concurrency:
        others += f" or {applied.concurrency} at once"
    return f"its limit of {applied.limits} ({applied.name}){others}"
