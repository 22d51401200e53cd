"""Every command that the docs show is typed here, or the page's source says why it is not."""

import os
import re
import shutil
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.pages.page import REASON_AT_LEAST, Block, blocks
from tests.pages.reading import Reading
from tests.pages.surroundings import Cluster, Surroundings
from tests.pages.terminal import commands
from tests.project import ROOT

README = "README.md"
FROM_A_CLONE = (README, "docs/tutorial.md")
"""Pages that begin with nothing but a clone."""
STARTING_NODES = (README, "docs/how-to/rotate.md")
"""Pages that start nodes of their own, and have Redis and a service."""
PAGES = [
    *FROM_A_CLONE,
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs/how-to").glob("*.md"))),
]
TOOLS = {"docs/how-to/nginx.md": "nginx", "docs/how-to/redis-upgrade.md": "redis-cli"}
"""Pages that need one which is no Python package."""
OF_THE_PROJECT = ("CONTRIBUTING.md", "docs/evaluation.md", "docs/performance.md")
"""Pages with commands for whoever works on it, most of which take long."""
OTHERS = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")}
    - {ROOT / page for page in (*PAGES, *OF_THE_PROJECT, "docs/cli.md")}
)
TYPED = (
    r"(?:[A-Z_]+=\S* )*(?:\.venv/bin/)?(?:curl|docker|gateway|kubectl|loadtest|make|pip|python3?|sh|subject) "
)
each_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """What pages take for granted that are about a cluster which runs."""
    with Cluster.running() as running:
        yield running


def settle(page: str, around: Surroundings, request: pytest.FixtureRequest) -> None:
    """Give the reader what the page takes for granted."""
    if page not in FROM_A_CLONE:
        around.activate()
    if page in STARTING_NODES:
        around.have(request.getfixturevalue("shared_redis").port, request.getfixturevalue("service_port"))
    elif page not in FROM_A_CLONE:
        around.join(request.getfixturevalue("cluster"))
    if page == README:
        around.register_clients()


def see_that_it_is_there(page: str) -> None:
    """Leave a page out whose reader needs what this machine has not; CI has it."""
    typed = " ".join(block.text for block in blocks(ROOT / page) if is_typed(block))
    missing = [
        tool for tool in ("curl", "openssl") if re.search(rf"\b{tool}\b", typed) and not shutil.which(tool)
    ]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"there is no {' and no '.join(missing)} here")


def is_typed(block: Block) -> bool:
    return block.reason is None


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.system if page in TOOLS else ())
        for page in PAGES
        if any(map(is_typed, blocks(ROOT / page)))
    ],
)
def test_what_a_page_says_is_so(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    see_that_it_is_there(page)
    with Surroundings.made(tmp_path) as around:
        settle(page, around, request)
        reading = Reading(
            ROOT / page, tmp_path / "terminals", around.clone, around.places, around.environment
        )
        try:
            for block in blocks(ROOT / page):
                reading.do(block)
            reading.end()
        finally:
            reading.close()


@pytest.fixture
def service_port() -> Iterator[int]:
    """Of a service of somebody's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@each_page
def test_what_is_not_typed_has_its_reason(page: str) -> None:
    found = blocks(ROOT / page)

    reasons = [block.reason for block in found if block.reason is not None]
    reasons += [reason for block in found for reason in block.left_out.values()]
    assert [reason for reason in reasons if len(reason) < REASON_AT_LEAST] == []


@each_page
def test_what_is_said_of_a_command_is_of_one_that_is_there(page: str) -> None:
    for block in blocks(ROOT / page):
        typed = commands(block.text) if block.reason is None else []
        named = [*block.left_out, *block.goes_on]
        assert [name for name in named if not any(one.startswith(name) for one in typed)] == []


@pytest.mark.parametrize("page", OF_THE_PROJECT)
def test_what_only_those_type_who_work_on_it_has_its_reason(page: str) -> None:
    reasons = [block.reason for block in blocks(ROOT / page)]

    assert [reason for reason in reasons if reason is None or len(reason) < REASON_AT_LEAST] == []


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_other_pages_are_no_guides(page: Path) -> None:
    """docs/cli.md is none either: it shows what each command takes, and is made of the code."""
    assert re.findall(rf"^    {TYPED}.*$", page.read_text(), re.MULTILINE) == []
