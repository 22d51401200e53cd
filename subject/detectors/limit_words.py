"""The limit that a client was refused by, in words."""

from gateway.contract.policy_table import OVERRIDE
from subject.cluster.live_limits import FELT_SECONDS, LiveLimit, live_limits
from subject.cluster.policies import Policies
from subject.figures import clock


def limit_of(policies: Policies, client: str, since: float, at: float) -> str:
    """What a client is over at that time that has been refused since then, and what became of that limit.

    Records do not tell which of several limits it was, nor which it had before nodes read their files.
    """
    began = since + FELT_SECONDS
    live = live_limits(policies, client)
    held = next((one for one in reversed(live) if one.since <= began), None)
    later = [one for one in live if began < one.since <= at]
    return f"its limit{_told(policies, client, began, held, later)}{_others(policies, client)}"


def _told(
    policies: Policies, client: str, began: float, held: LiveLimit | None, later: list[LiveLimit]
) -> str:
    name = None
    if held is not None and held.limit is not None:
        name = (str(held.limit), OVERRIDE)
    elif held is not None and (usual := policies.usual_of(client)) is not None:
        is_of_then = policies.table_since <= began
        name = (str(usual.limits), usual.name) if is_of_then else None
        if not later and not is_of_then:
            read_at = clock(policies.table_since)
            return f" (now {usual.limits}, {usual.name}, by files that nodes have read since {read_at})"
    if not later:
        return "" if name is None else f" of {name[0]} ({name[1]})"
    changed = _changed(later)
    if name is None:
        return f" ({changed})"
    return f" ({', '.join(name)}, {'until it was' if len(later) == 1 else 'then'} {changed})"


def _changed(later: list[LiveLimit]) -> str:
    """What has been done to it since."""
    last = later[-1]
    at = clock(last.since)
    if len(later) > 1:
        return f"changed {len(later)} times, the last time at {at}"
    if last.limit is not None:
        return f"changed to {last.limit} at {at}"
    return f"taken back at {at}" if last.by else f"over at {at}"


def _others(policies: Policies, client: str) -> str:
    others = ""
    if policies.table is not None and policies.table.limits_routes:
        others += " or a route's"
    applied = policies.applied_to(client)
    if applied is not None and applied.concurrency:
        others += f" or {applied.concurrency} at once"
    return others
