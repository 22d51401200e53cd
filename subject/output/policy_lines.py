"""Policies as a person reads them: what nodes have published, and what holds for a client."""

from collections.abc import Iterable, Iterator, Sequence

from gateway.contract.limits import Limit
from gateway.contract.policy_table import Policy, PolicyTable, Terms
from gateway.contract.routes import Route
from subject.cluster.policies import REJECT
from subject.cluster.windows import ClientWindow, tightest
from subject.output.wording import UNKNOWN


def policy_lines(table: PolicyTable) -> Iterator[str]:
    """The default and the plans in a line, then one for each of the rest that is set."""
    default = _with_terms(str(table.default), table.default_concurrency, shadow=False)
    plans = (
        f", plan {name} {_plan(str(limits), table.plan_terms.get(name, Terms()))}"
        for name, limits in sorted(table.plans.items())
    )
    yield f"Default {default}{''.join(plans)}"
    if table.address_limit is not None:
        yield f"Each address {table.address_limit} without a registered key"
    if table.anonymous != REJECT:
        yield "Without a key: each address (of IPv6 each /64) is a client, under the default limit"
    yield from map(_route, table.routes)
    for name, entries in (("Exempt", table.exempt), ("Allowed", table.allow), ("Denied", table.deny)):
        if entries:
            yield f"{name}: {', '.join(entries)}"
    if table.shadow:
        yield "All in shadow: counted and told, and nobody is refused for a limit"


def limit_told(applied: Policy | None) -> str:
    """A client's limit, where it comes from, and what goes with it."""
    if applied is None:
        return "unknown"
    return _with_terms(f"{applied.limits} ({applied.name})", applied.concurrency, shadow=applied.shadow)


def standing(windows: Sequence[ClientWindow]) -> tuple[str, str]:
    """What stands in the tightest window of a client's own, and what is left."""
    window = tightest(windows)
    return (UNKNOWN, UNKNOWN) if window is None else _numbers(window)


def window_rows(windows: Sequence[ClientWindow]) -> Iterable[tuple[str, str, str, str]]:
    """Each of several windows: its name, limit, what stands in it, and what is left."""
    if len(windows) > 1:
        for window in windows:
            limit = Limit(window.limit, window.period_seconds)
            yield f"  {window.name}", f"{limit}", *_numbers(window)


def _numbers(window: ClientWindow) -> tuple[str, str]:
    return f"{window.count:,}", f"{window.remaining:,}"


def _plan(limits: str, terms: Terms) -> str:
    return _with_terms(limits, terms.concurrency or 0, shadow=bool(terms.shadow))


def _with_terms(text: str, concurrency: int, *, shadow: bool) -> str:
    return text + (f", {concurrency:,} at once" if concurrency else "") + (" in shadow" if shadow else "")


def _route(route: Route) -> str:
    what = f"Route {route.name}: {' '.join([*route.methods, route.host + route.path])}"
    limit = (
        "" if route.limit is None else f", {_with_terms(str(route.limit), 0, shadow=route.shadow)} a client"
    )
    cost = "" if route.cost == 1 else f", each request counts as {route.cost:,}"
    return what + limit + cost + (f", to {route.upstream}" if route.upstream else "")
