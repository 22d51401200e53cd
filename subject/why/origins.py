"""Where a client's limit could come from, and which of these it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.contract.limits import Limits
from gateway.contract.policy_table import DEFAULT, OVERRIDE, OWN
from subject.cluster.policies import Policies
from subject.figures import moment


@dataclass(frozen=True, slots=True)
class Origin:
    """One place, by the name that the limit is shown under; the first that there is `applies`."""

    name: str
    limit: Limits
    where: str
    applies: bool


def origins(policies: Policies, client: str, now: float) -> tuple[Origin, ...]:
    """Live limit › its own › its plan's › the default, as far as they are there and known."""
    found = list(_all(policies, client, now))
    return tuple(Origin(name, limit, where, not place) for place, (name, limit, where) in enumerate(found))


def _all(policies: Policies, client: str, now: float) -> Iterator[tuple[str, Limits, str]]:
    override = policies.overrides.limits.get(client)
    if override is not None:
        until = "" if override.until is None else f", until {moment(override.until, now)}"
        why = f": {override.why}" if override.why else ""
        yield OVERRIDE, override.limit, f"set live by {override.by} at {moment(override.at, now)}{until}{why}"
    table = policies.table
    if table is None:
        return
    registered = table.clients.get(client)
    if registered is not None and registered.limit is not None:
        yield OWN, registered.limit, "its own in the clients file"
    if registered is not None and registered.plan is not None:
        yield registered.plan, table.plans[registered.plan], f"its plan {registered.plan} in the clients file"
    yield DEFAULT, table.default, "the default (GATEWAY_DEFAULT_LIMIT)"
