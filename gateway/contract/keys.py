"""Every key that the product uses in Redis."""

PREFIX = "ratelimit:"
NODES = PREFIX + "nodes"
TELEMETRY = PREFIX + "telemetry"
HISTORY = PREFIX + "history"
OVERRIDES = PREFIX + "overrides"
AUDIT = PREFIX + "audit"
CHANGES = PREFIX + "changes"
"""The channel on which changes of the overrides are announced."""

CLIENT_SCOPE = "client"
"""The scope of a client's own limit, wherever that comes from (override, client, plan or default)."""

ADDRESS_SCOPE = "address"
"""The scope of what one address gets over all its unknown keys; the address is the client then."""


def route_scope(name: str) -> str:
    """The scope of what a client gets of one route. No name has a slash, so it is no other scope."""
    return f"route/{name}"


def window(client_id: str, scope: str, period_seconds: int, generation: int) -> str:
    """The hash of a client's sub-interval counters. The hash tag keeps a client in one slot of a cluster."""
    return f"{PREFIX}{{{client_id}}}:{scope}:{period_seconds}:{generation}"


def editing(client_id: str) -> str:
    """Stands, for some seconds at most, while somebody changes a client's limit."""
    return f"{PREFIX}editing:{client_id}"


def policy_table(digest: str) -> str:
    """The policy table that nodes with this digest enforce."""
    return f"{PREFIX}policies:{digest}"
