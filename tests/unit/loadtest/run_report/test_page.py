"""The page that shows a run."""

import re
from html.parser import HTMLParser

import pytest

from loadtest.elsewhere.target import Target
from loadtest.run_report import page
from tests.unit.loadtest.run_report.finished_run import broken_off, finished

VOID = {"meta", "br"}


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


def test_a_run_that_is_broken_off_is_shown_as_far_as_it_came() -> None:
    html = page.html(broken_off())
    assert "Not judged" in html
    assert "the run was broken off: node &lt;gone&gt;" in html
    assert "not played to its end: steady" in html
    assert "<title>steady</title>" in html
