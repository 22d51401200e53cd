"""The policies that nodes have published, as ``limits --json`` has them."""

from dataclasses import asdict
from typing import Any

from gateway.contract.policy_table import PolicyTable
from gateway.contract.routes import Route


def policy_document(table: PolicyTable | None) -> dict[str, Any]:
    """What nodes have published; null what is not known, and what is not set."""
    if table is None:
        return {"default": None, "plans": {}}
    return {
        "default": str(table.default),
        "default_concurrency": table.default_concurrency or None,
        "shadow": table.shadow,
        "plans": {name: str(limits) for name, limits in table.plans.items()},
        "plan_terms": {name: asdict(terms) for name, terms in table.plan_terms.items()},
        "address_limit": None if table.address_limit is None else str(table.address_limit),
        "anonymous": table.anonymous,
        "routes": [_route(route) for route in table.routes],
        "exempt": list(table.exempt),
        "allow": list(table.allow),
        "deny": list(table.deny),
    }


def _route(route: Route) -> dict[str, Any]:
    limit = None if route.limit is None else str(route.limit)
    return {
        **asdict(route),
        "methods": list(route.methods),
        "limit": limit,
        "host": route.host or None,
        "upstream": route.upstream or None,
    }
