"""What was measured, as Markdown, and its place in a page: between two comments that name the section."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.exactness import oracle
from tests.exactness.clocks import ClockRun
from tests.exactness.limits import Outcome
from tests.exactness.outages import Course, WorstCase


def rows(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    all_lines = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in all_lines)


def of_limits(outcomes: Iterable[Outcome]) -> str:
    """A line each limit and factor."""
    return rows(
        (
            "limit",
            "asked for",
            "requests/s",
            "fullest window",
            "at the upstream",
            "admitted",
            "of the possible",
            "transit p50, p99, longest",
        ),
        (
            (
                f"`{o.demand.client.limit}`",
                f"{o.demand.factor:g}× ({o.achieved_factor:.2f}×)",
                f"{o.sent_per_second:,.0f}",
                " · ".join(map(str, o.fullest)),
                " · ".join(map(str, o.fullest_at_upstream)),
                f"{o.admitted:,}",
                f"{o.admitted_ratio:.3f}",
                ", ".join(f"{1000 * oracle.percentile(o.transit_seconds, p):.1f}" for p in (50, 99, 100))
                + " ms",
            )
            for o in outcomes
        ),
    )


def of_outages(courses: Iterable[Course]) -> str:
    """A line each policy and fault; of several clients the one that came off worst."""
    return rows(
        (
            "policy",
            "Redis",
            "answers",
            "p99 before",
            "in the first second",
            "from then on",
            "fullest window",
            "exact again after",
        ),
        (
            (
                f"`{c.policy}`",
                c.fault.name,
                ", ".join(f"{count:,} × {status}" for status, count in sorted(c.statuses().items())),
                f"{c.before_ms:.1f} ms",
                f"{c.first_second_ms:+.1f} ms",
                f"{c.breaker_open_ms:+.1f} ms",
                f"{max(c.fullest_ratio(client) for client in c.clients):.2f} N",
                f"{max(c.exact_again_seconds(client) for client in c.clients):.2f} s",
            )
            for c in courses
        ),
    )


def of_worst_cases(cases: Iterable[WorstCase]) -> str:
    """A line each."""
    return rows(
        ("nodes", "limit", "fullest window", "at most (2 − 1/k) N"),
        (
            (str(c.nodes), f"`{c.client.limit}`", f"{c.fullest_ratio:.2f} N", f"{c.bound:.2f} N")
            for c in cases
        ),
    )


def of_clocks(runs: Iterable[tuple[str, ClockRun]]) -> str:
    """A line each limit and course of the clocks."""
    return rows(
        (
            "wall clocks",
            "limit",
            "asked for",
            "fullest window",
            "admitted of the possible",
            "decided without Redis",
        ),
        (
            (
                clocks,
                f"`{o.demand.client.limit}`",
                f"{o.demand.factor:g}×",
                " · ".join(map(str, o.fullest)),
                f"{o.admitted_ratio:.3f}",
                str(run.fallbacks),
            )
            for clocks, run in runs
            for o in run.outcomes
        ),
    )


def put(page: Path, section: str, text: str) -> None:
    """Replace what stands between the section's two comments.

    Raises:
        ValueError: the page has no such place.
    """
    begin, end = f"<!-- {section}:begin -->\n", f"<!-- {section}:end -->\n"
    before, found, rest = page.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{page} has no place for {section}: {begin.strip()} … {end.strip()}")
    page.write_text(f"{before}{begin}{text}{end}{after}")
