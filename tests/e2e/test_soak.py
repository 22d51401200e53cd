"""A short soak, and that it would tell."""

import os
from collections.abc import Sequence

import pytest

from tests.finding import Finding
from tests.soak.soak import CONNECTION_BYTES, MOST_GROWTH_BYTES, Outcome, errors_in, soaked
from tests.soak.vitals import Vitals

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))
PER_SECOND = float(os.environ.get("SOAK_RPS", "120"))


async def test_under_good_and_bad_traffic_nothing_grows_and_nothing_goes_wrong() -> None:
    outcome = await soaked(SECONDS, PER_SECOND, seed=1)

    told = outcome.unexpected, outcome.log_errors, outcome.before, outcome.after
    assert [str(finding) for finding in outcome.findings if not finding.holds] == [], told
    assert len(outcome.outcomes) > 15


def test_errors_and_tracebacks_in_a_log_are_found_and_warnings_are_none() -> None:
    harmless = ['{"level": "warning", "message": "away"}', '{"level": "info", "message": "back"}']
    bad = [
        '{"level": "error", "message": "a request failed"}',
        '{"level": "warning", "message": "x", "exception": "Traceback"}',
        "Traceback (most recent call last):",
    ]

    assert errors_in(harmless + bad) == bad


def test_a_figure_that_is_too_large_does_not_hold() -> None:
    assert Finding("tasks", 2, 2).holds
    assert not Finding("tasks", 3, 2).holds


def seen(rss_bytes: int, connections: int = 30) -> Vitals:
    return Vitals(rss_bytes, 60, 40, connections, 9, {}, {})


def outcome_of(samples: Sequence[Vitals]) -> Outcome:
    return Outcome(100.0, 50_000, {}, {}, [], 0, samples[0], list(samples), samples[0])


@pytest.mark.parametrize(
    ("samples", "holds"),
    [
        ([seen(70_000_000)] * 40, True),
        ([seen(70_000_000 + number * MOST_GROWTH_BYTES // 20) for number in range(40)], False),
        ([seen(70_000_000)] * 20 + [seen(90_000_000)] * 20, False),
        ([seen(70_000_000)] * 20 + [seen(90_000_000, 30 + 20_000_000 // CONNECTION_BYTES)] * 20, True),
    ],
    ids=["none", "a leak", "a step", "a crowd"],
)
def test_memory_may_grow_by_a_crowd_only(samples: Sequence[Vitals], holds: bool) -> None:
    (finding,) = (finding for finding in outcome_of(samples).findings if "memory" in finding.what)

    assert finding.holds is holds
