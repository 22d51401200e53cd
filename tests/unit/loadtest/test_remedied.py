"""Whether what an operator did has helped."""

import pytest

from gateway.contract.limits import Limit
from loadtest.remedied import Done, Remedied
from loadtest.scenarios.remedy import (
    AsSuggested,
    Figure,
    NodeRatio,
    Outside,
    RefusedRatio,
    Remedy,
    SetLimit,
    UpstreamRate,
    WaySeconds,
)

RAISE = SetLimit("client-07", Limit(200, 5), "launch day", "10m", because="a test")
RAISED = Remedy(RAISE, RefusedRatio("client-07"), goal=0.0)
HELD = Remedy(AsSuggested("a test"), UpstreamRate(), goal=100.0, closes=False)
EVENED = Remedy(Outside("the balancer"), NodeRatio("node-1"), goal=0.5)


def remedied(
    remedy: Remedy = RAISED, before: float = 0.4, after: float = 0.0, closed_seconds: float | None = 9.4
) -> Remedied:
    return Remedied(remedy, Done("a command", 100.0), before, after, closed_seconds)


def test_a_limit_is_set_by_a_line_for_a_shell() -> None:
    assert RAISE.command == "subject limits set client-07 200/5s --why 'launch day' --for 10m"


def test_it_helped_where_the_figure_fell_and_nothing_is_found_any_more() -> None:
    assert remedied().helped
    assert not remedied(after=0.01).helped
    assert not remedied(closed_seconds=None).helped


def test_where_nothing_was_wrong_nothing_helped() -> None:
    assert not remedied(before=0.0).helped


def test_what_goes_on_may_still_be_found_where_it_is_held() -> None:
    assert remedied(HELD, before=330.0, after=90.0, closed_seconds=None).helped
    assert not remedied(HELD, before=330.0, after=120.0, closed_seconds=None).helped


@pytest.mark.parametrize(
    ("figure", "before", "after", "words"),
    [
        (RefusedRatio("client-07"), 0.46, 0.0, "46 % of client-07's requests were refused, now 0 %"),
        (UpstreamRate(), 337.6, 90.2, "the upstream got 338 requests a second, now 90"),
        (NodeRatio("node-1"), 0.853, 0.34, "node-1 had 85 % of the requests, now 34 %"),
        (WaySeconds(), 0.0714, 0.0021, "a request took 71 ms to the upstream in the median, now 2 ms"),
    ],
)
def test_each_figure_is_told_as_it_was_and_is(
    figure: Figure, before: float, after: float, words: str
) -> None:
    assert remedied(Remedy(RAISE, figure, goal=0.0), before, after).told.startswith(words)


def test_it_is_said_where_the_figure_is_from_and_whether_the_cause_goes_on() -> None:
    goes_on = "while the cause goes on"
    assert remedied().told.endswith(
        f"now 0 %, {goes_on} (by subject why client-07); no longer found after 9 s"
    )
    assert remedied(EVENED, 0.85, 0.34).told.endswith(
        "now 34 % (by the upstream's log); no longer found after 9 s"
    )
    assert remedied(closed_seconds=None).told.endswith("; it is still found")
    assert remedied(HELD, 338.0, 90.0, None).told.endswith(f"now 90, {goes_on} (by the upstream's log)")
