"""The reference says what the code does: commands, answers, addresses, metrics and types of settings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.admin import admin_application
from gateway.http.rules import Rule
from subject.dashboard import app, changes
from subject.settings import load
from tests.project import ROOT
from tests.reference import pages

WRITTEN = pages.written()
HTTP = (ROOT / "docs/http.md").read_text()


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_the_page_is_as_the_code_has_it(page: Path) -> None:
    assert page.read_text() == WRITTEN[page], "make reference"


def section(title: str) -> str:
    """The text below a heading."""
    (text,) = re.findall(rf"^#+ {title}\n(?s:(.*?))(?=^## |\Z)", HTTP, re.MULTILINE)
    return str(text)


def statuses_in_code() -> Iterator[int]:
    """Of all problems that a node makes."""
    yield from (rule.status for rule in Rule)
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in ("problem", "ProblemError", "__init__") and isinstance(node.args[0].value, int):
                    yield node.args[0].value


def test_the_page_has_the_status_of_each_problem_and_no_other() -> None:
    rows = re.findall(r"^\| ([45][\d, ]+) \|", section("A node's own answers"), re.MULTILINE)

    assert {int(status) for row in rows for status in row.split(", ")} == set(statuses_in_code())


def addresses(application: web.Application) -> set[str]:
    """The paths that it answers."""
    return {str(route.resource.canonical) for route in application.router.routes() if route.resource}


def test_the_page_has_the_addresses_of_the_admin_listener_and_no_others() -> None:
    sources: object = None
    told = set(re.findall(r"^\| `(/.*?)` \|", section("The admin listener"), re.MULTILINE))

    assert told == addresses(admin_application(sources))  # type: ignore[arg-type]  # nothing is asked of it


def test_the_page_has_the_addresses_of_the_dashboard_and_no_others() -> None:
    told = set(re.findall(r"^\| `(?:GET|POST) (/.*?)` \|", section("The dashboard"), re.MULTILINE))

    found = {path for path in addresses(app.application(load())) if not path.startswith("/static/")}
    assert told == found


@pytest.mark.parametrize("change", changes.FORMS)
def test_the_page_has_the_fields_of_each_change(change: str) -> None:
    (row,) = re.findall(rf"^\| `POST /changes/{change}` \| (.*) \|$", HTTP, re.MULTILINE)

    assert set(re.findall(r"`([a-z]+)`", row)) == changes.FORMS[change][1]
