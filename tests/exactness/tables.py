"""What was measured, as Markdown."""

from collections.abc import Iterable
from typing import NamedTuple

from tests.exactness import oracle
from tests.exactness.clocks import ClockRun
from tests.exactness.limits import Outcome
from tests.exactness.outages import Course, WorstCase
from tests.markdown import Columns, table

_LIMITS: Columns[Outcome] = {
    "limit": lambda one: f"`{one.demand.client.limit}`",
    "asked for": lambda one: f"{one.demand.factor:g}× ({one.achieved_factor:.2f}×)",
    "requests/s": lambda one: f"{one.sent_per_second:,.0f}",
    "fullest window": lambda one: " · ".join(map(str, one.fullest)),
    "at the upstream": lambda one: " · ".join(map(str, one.fullest_at_upstream)),
    "admitted": lambda one: f"{one.admitted:,}",
    "of the possible": lambda one: f"{one.admitted_ratio:.3f}",
    "transit p50, p99, longest": lambda one: _transit(one),
}
_OUTAGES: Columns[Course] = {
    "policy": lambda one: f"`{one.policy}`",
    "Redis": lambda one: one.fault.name,
    "answers": lambda one: ", ".join(
        f"{count:,} × {status}" for status, count in sorted(one.statuses().items())
    ),
    "p99 before": lambda one: f"{one.before_ms:.1f} ms",
    "in the first second": lambda one: f"{one.first_second_ms:+.1f} ms",
    "from then on": lambda one: f"{one.breaker_open_ms:+.1f} ms",
    "fullest window": lambda one: f"{max(map(one.fullest_ratio, one.clients)):.2f} N",
    "exact again after": lambda one: f"{max(map(one.exact_again_seconds, one.clients)):.2f} s",
}
"""Of several clients the one that came off worst."""
_WORST_CASES: Columns[WorstCase] = {
    "nodes": lambda one: str(one.nodes),
    "limit": lambda one: f"`{one.client.limit}`",
    "fullest window": lambda one: f"{one.fullest_ratio:.2f} N",
    "at most (2 − 1/k) N": lambda one: f"{one.bound:.2f} N",
}


class _Clocked(NamedTuple):
    """What became of one client in a run of these clocks."""

    clocks: str
    run: ClockRun
    outcome: Outcome


_CLOCKS: Columns[_Clocked] = {
    "wall clocks": lambda one: one.clocks,
    "limit": lambda one: f"`{one.outcome.demand.client.limit}`",
    "asked for": lambda one: f"{one.outcome.demand.factor:g}×",
    "fullest window": lambda one: " · ".join(map(str, one.outcome.fullest)),
    "admitted of the possible": lambda one: f"{one.outcome.admitted_ratio:.3f}",
    "decided without Redis": lambda one: str(one.run.fallbacks),
}


def _transit(one: Outcome) -> str:
    """In milliseconds."""
    percentiles = (1000 * oracle.percentile(one.transit_seconds, percent) for percent in (50, 99, 100))
    return ", ".join(f"{each:.1f}" for each in percentiles) + " ms"


def of_limits(outcomes: Iterable[Outcome]) -> str:
    """A line each limit and factor."""
    return table(_LIMITS, outcomes)


def of_outages(courses: Iterable[Course]) -> str:
    """A line each policy and fault."""
    return table(_OUTAGES, courses)


def of_worst_cases(cases: Iterable[WorstCase]) -> str:
    """A line each."""
    return table(_WORST_CASES, cases)


def of_clocks(runs: Iterable[tuple[str, ClockRun]]) -> str:
    """A line each limit and course of the clocks."""
    return table(_CLOCKS, (_Clocked(name, run, one) for name, run in runs for one in run.outcomes))
