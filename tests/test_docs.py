import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.contract import keys, overrides, policy_table
from gateway.contract.overrides import Override
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.contract.records import (
    AuditRecord,
    LiveChanges,
    Reloads,
    RosterEntry,
    StoreStatus,
    TelemetryRecord,
    Totals,
    UpstreamTotals,
)
from gateway.contract.routes import Route
from tests.project import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
SCHEMA = ROOT / "docs/redis-schema.md"


def headings(page: Path) -> list[str]:
    return re.findall(r"^## `(.+)`$", page.read_text(), re.MULTILINE)


def test_every_key_of_the_contract_has_its_section_and_its_line_in_the_table() -> None:
    constants = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    made = {
        keys.editing("<client>"),
        keys.policy_table("<digest>"),
        keys.window("<client>", "<scope>", 0, 0).replace("0:0", "<seconds>:<generation>"),
    }
    expected = constants - {keys.PREFIX, keys.CLIENT_SCOPE, keys.ADDRESS_SCOPE} | made

    assert set(headings(SCHEMA)) == expected
    assert set(re.findall(r"^\| `(ratelimit:.+?)` \|", SCHEMA.read_text(), re.MULTILINE)) == expected


@pytest.mark.parametrize(
    "record",
    [
        TelemetryRecord,
        RosterEntry,
        PolicyTable,
        ClientPolicy,
        Route,
        Override,
        AuditRecord,
        Totals,
        UpstreamTotals,
        StoreStatus,
        LiveChanges,
        Reloads,
    ],
    ids=lambda r: r.__name__,
)
def test_every_field_of_a_record_is_in_the_schema(record: Any) -> None:
    text = SCHEMA.read_text()

    assert [item.name for item in fields(record) if f"`{item.name}`" not in text] == []


def test_the_schema_names_the_fields_of_the_overrides_hash() -> None:
    text = SCHEMA.read_text()

    assert f"`{overrides.LIMIT_FIELD}<client>`" in text
    assert f"`{overrides.GENERATION_FIELD}<client>`" in text
    assert f"`{overrides.VERSION_FIELD}`" in text
    assert f"At most {overrides.MAX_RECORDS:,} limits" in text
    assert f"more than {overrides.MAX_READ:,} fields" in text
    assert f"at most {overrides.MAX_TEXT:,} characters" in text
    assert policy_table.LIFETIME_SECONDS == 86_400, "the schema says 1 day"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = re.findall(r"`((?:gateway|subject|loadtest|docs|docker|tests)/[\w./-]*)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in linked if not (page.parent / link).exists()] == []


def sections(page: Path) -> set[str]:
    """The names by which links reach a page's sections, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_section_that_a_page_links_is_there(page: Path) -> None:
    linked = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text())
    named = [(page.parent / path if path else page, name) for path, name in linked]

    assert [f"{path}#{name}" for path, name in named if name not in sections(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_of_make_that_a_page_names_is_there(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    named = re.findall(r"(?:^    |`)make ([a-z-]+)", page.read_text(), re.MULTILINE)

    assert set(named) <= set(targets)


def test_each_picture_is_small_and_shown_by_a_page() -> None:
    pictures = sorted((ROOT / "docs/pictures").iterdir())
    shown = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    }

    assert pictures
    assert [path.name for path in pictures if path not in shown] == []
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > 150_000} == {}


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_at_what_price(page: Path) -> None:
    text = page.read_text()
    number = int(page.name[:4])

    assert text.startswith(f"# {number}. ")
    assert [part for part in ("**Context.**", "**Choice.**", "**Price.**") if part not in text] == []
    assert len(text.splitlines()) < 40


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs/decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
