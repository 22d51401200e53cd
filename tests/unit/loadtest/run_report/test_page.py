"""A run over time, and the page that shows it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from gateway.contract.limits import Limit
from gateway.contract.telemetry import Totals
from loadtest.elsewhere.target import Target
from loadtest.passages import Busiest
from loadtest.play import Played
from loadtest.run_report import document, page, series
from loadtest.run_report.chart import Axis, Band, lanes
from loadtest.run_report.document import Run
from loadtest.scenarios import Client, Scenario, Setting, Sign
from loadtest.subject_commands import About, Finding, NodeFigures, Report
from loadtest.verdict import Asked, Outcome, Times, Verdict

NAME = "<node>"
SKEW = Sign("node_skew", "node", NAME)
FOUND = Finding("node_skew", About("node", NAME), "warning", f"{NAME} serves 80 %", "a & b", "subject nodes")
VOID = {"meta", "br"}


def look(
    at: float, *findings: Finding, requests: int = 0, refused: int = 0, seen: float | None = None
) -> Asked:
    totals = Totals(requests=requests, admitted=requests - refused, refused=refused)
    node = NodeFigures(NAME, totals, at if seen is None else seen, 2.0, 9.0)
    return Asked(at, at, Report(at, healthy=not findings, findings=findings, nodes=(node,)))


LOOKS = [
    look(100.0, requests=50),
    look(101.0, requests=60, refused=4),
    look(102.0, FOUND, requests=60, refused=4, seen=101.0),
    look(103.0, FOUND, requests=90, refused=4),
    look(104.0, requests=5),
]


def finished(target: Target | None = None, problems: tuple[str, ...] = ()) -> Run:
    times = Times(100.0, 101.0, 103.0, 104.0)
    skew = Scenario("skew", f"80 % to {NAME}", (), (SKEW,))
    outcome = Outcome(skew, ((SKEW, FOUND),), (), (), (), (1.0,), None, 1.0, times)
    verdict = Verdict((outcome,), Busiest("k", 9, Limit(10, 1)), 90, problems, not_judged=("the <log>",))
    setting = Setting((NAME,), (Client("secret-key", "k_1"),), 30.0, Limit(10, 1), 0.05)
    return Run(Played(setting, (skew,), None, [outcome], LOOKS), verdict, 7, 100.0, target)


class Checked(HTMLParser):
    """Fails for an element that is not closed in its place; collects names and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_rates_are_those_between_two_records_of_a_node() -> None:
    points = series.points(LOOKS)[NAME]
    assert [(point.at, point.requests_per_second, point.refused_per_second) for point in points] == [
        (101.0, 10.0, 4.0),
        (103.0, 15.0, 0.0),
        (104.0, 0.0, 0.0),
    ]


def test_a_finding_lasts_until_a_look_does_not_have_it() -> None:
    (span,) = series.spans(LOOKS)
    assert (span.began_at, span.ended_at) == (102.0, 104.0)
    assert [one.began_at for one in series.spans([*LOOKS, look(105.0, FOUND)])] == [102.0, 105.0]


@pytest.mark.parametrize("target", [None, Target(("http://node",), "redis://:password@host")])
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(target: Target | None) -> None:
    html = page.html(finished(target))
    checked = Checked()
    checked.feed(html)
    checked.close()
    assert not checked.open
    assert "svg" in checked.names
    assert not checked.names & {"script", "link", "img", "iframe", "a"}
    assert not [name for name, _ in checked.attributes if name in ("src", "href") or name.startswith("on")]
    assert not re.search(r"url\(|@import", html)
    assert "<node>" not in html
    assert "<log>" not in html
    assert not [secret for secret in ("password", "secret-key") if secret in html]


def test_the_page_says_what_came_of_it() -> None:
    passed, failed = page.html(finished()), page.html(finished(problems=("node-1 <ended>",)))
    assert "Passed" in passed
    assert "not judged: the &lt;log&gt;" in passed
    assert "Failed" in failed
    assert "node-1 &lt;ended&gt;" in failed


def test_a_run_that_is_broken_off_is_told_as_far_as_it_came() -> None:
    run = finished()
    steady = Scenario("steady", "nothing", (), ())
    played = replace(run.played, drawn=(*run.played.drawn, steady), begun_at=[100.0, 103.5])
    run = replace(run, played=played, verdict=played.broken_off("node <gone>"))
    html, told = page.html(run), document.document(run)
    assert "Not judged" in html
    assert "the run was broken off: node &lt;gone&gt;" in html
    assert "not played to its end: steady" in html
    assert "<title>steady</title>" in html
    assert (told["verdict"], told["passed"]) == ("not judged", False)
    assert [one["name"] for one in told["scenarios"]] == ["skew"]
    assert len(told["open_questions"]) == 3


def test_records_stand_at_this_machines_time_whatever_redis_clock_says() -> None:
    ahead = [replace(asked, asked_at=asked.asked_at + 3600, at=asked.at + 3600) for asked in LOOKS]
    assert [point.at for point in series.points(ahead)[NAME]] == [3701.0, 3703.0, 3704.0]
    assert series.points(ahead)[NAME][0].requests_per_second == 10.0


def test_json_has_all_figures_and_no_secret() -> None:
    text = document.text(finished(Target(("http://node",), "redis://:password@host")))
    told = json.loads(text)
    assert told["passed"]
    assert told["urls"] == ["http://node"]
    assert [point["requests_per_second"] for point in told["series"][NAME]] == [10.0, 15.0, 0.0]
    assert [(one["code"], one["began_at"]) for one in told["findings"]] == [("node_skew", 102.0)]
    assert told["scenarios"][0]["found"] == [{"sign": f"node_skew ({NAME})", "seconds": 1.0}]
    assert not [secret for secret in ("password", "secret-key") if secret in text]


def test_findings_stand_at_their_time() -> None:
    axis = Axis(100.0, 104.0)
    svg = lanes("found", axis, series.spans(LOOKS), [Band("skew", 101.0, 103.0, is_right=True)])
    assert f'class="span warning" x="{axis.x(102.0):.1f}"' in svg
    assert f'class="band right" x="{axis.x(101.0):.1f}"' in svg


def test_the_last_scenario_is_named_also_where_it_has_just_begun() -> None:
    axis, last = Axis(0.0, 100.0), Band("spike_single", 97.0, 100.0, is_right=True)
    early, late = (Band("steady", began, 96.0, is_right=True) for began in (10.0, 90.0))
    assert f'class="name end" x="{axis.x(100.0):.1f}"' in lanes("found", axis, [], [early, last])
    assert 'class="name end"' not in lanes("found", axis, [], [late, last])
