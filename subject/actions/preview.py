"""What a limit would change, told before it is set."""

from collections.abc import Iterator

from gateway.contract.policy_table import OVERRIDE, window_names
from subject.actions.edits import LimitSet
from subject.cluster.snapshot import Snapshot
from subject.figures import moment


def preview(snapshot: Snapshot, client: str, proposed: LimitSet) -> Iterator[str]:
    """Sentences without their full stops: where it would hold, and what it would mean at this moment."""
    up = [node.id for node in snapshot.up]
    yield f"It would hold on {', '.join(up)}" if up else "No node is up: it would hold from a node's start on"
    counted = {
        window.period_seconds: window
        for window in snapshot.windows_by_client.get(client, [])
        if not window.is_of_a_route
    }
    names = window_names(OVERRIDE, proposed.limit)
    for name, limit in zip(names, proposed.limit.windows, strict=True):
        window = counted.get(limit.period_seconds)
        if window is None:
            yield f"{limit} ({name}) would count from empty, since nothing is counted by {limit.period} now"
        elif window.count >= limit.quota:
            yield f"{limit} ({name}) would be full at once: {window.count:,} stand in its window now"
        else:
            left = limit.quota - window.count
            yield f"{window.count:,} stand in the window of {limit} ({name}) now, {left:,} would be left"
    table = snapshot.policies.table
    for route in () if table is None else table.routes:
        if route.cost > proposed.limit.smallest_quota:
            yield f"Each of its requests by route {route.name} would be refused, as they cost {route.cost:,}"
    if proposed.replaced is not None:
        old = proposed.replaced
        yield (
            f"It would replace the limit of {old.limit} that {old.by} set at {moment(old.at, proposed.at)}"
            + (f": {old.why}" if old.why else "")
        )
