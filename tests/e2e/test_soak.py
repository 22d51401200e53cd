"""A short soak, and that it would tell."""

import os

from tests.soak.finding import Finding
from tests.soak.soak import errors_in, soaked

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
