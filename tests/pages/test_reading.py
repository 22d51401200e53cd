"""A page that says what is not so is found out."""

import os
from pathlib import Path

import pytest

from tests.pages.comparison import pattern
from tests.pages.page import PageError, blocks
from tests.pages.reading import Places, Reading, WrongError
from tests.pages.terminal import commands


def read(folder: Path, text: str) -> None:
    """All that it says to type, in a folder of its own."""
    page = folder / "page.md"
    page.write_text(text)
    (folder / "terminals").mkdir()
    places = Places({8080: 21234}, {"/etc/ratelimiter": folder})
    reading = Reading(page, folder / "terminals", folder, places, {"PATH": os.environ["PATH"]})
    try:
        for block in blocks(page):
            reading.do(block)
        reading.end()
    finally:
        reading.close()


@pytest.mark.parametrize(
    "text",
    [
        "    true && x=1\n    cd /\n\ntext\n\n    echo $x at $PWD\n\n```text\n1 at /\n```\n",
        "<!-- exits: 3 -->\n\n    exit 3\n",
        "- a list\n\n    ![with a picture](in.it)\n",
        "    false   # exit 1 if anything is wrong\n",
        "<!-- not run: it would end what should not end -->\n\n    false\n",
        "<!-- not run `false`: it would end what should not end -->\n\n    false\n    true\n",
        "<!-- terminal: one -->\n\n    echo ready; sleep 60\n\n```text\nready\n```\n",
        "    cat <<'END'\n    two\n    lines\n    END\n\n```text\ntwo\nlines\n```\n",
        "    echo >>said .; wc -l <said\n\n<!-- in time -->\n\n    echo >>said .; grep -c . said\n\n"
        "<!-- exact -->\n\n```text\n4\n```\n",
        "    echo http://127.0.0.1:8080/ >/etc/ratelimiter/a; cat a\n\n<!-- exact -->\n\n"
        "```text\nhttp://127.0.0.1:8080/\n```\n",
    ],
)
def test_a_page_that_is_right_is_read_to_its_end(text: str, tmp_path: Path) -> None:
    read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "    false\n",
        "    false\n    true\n",
        "<!-- exits: 3 -->\n\n    true\n",
        "    echo one\n\n```text\nanother\n```\n",
        "    echo 1\n\n<!-- exact -->\n\n```text\n2\n```\n",
        "<!-- terminal: one -->\n\n    echo ready\n\n```text\nready\n```\n\n    sleep 1\n",
        "<!-- goes on: `echo` -->\n\n    echo ready\n    sleep 1\n",
    ],
)
def test_a_page_that_is_wrong_is_not(text: str, tmp_path: Path) -> None:
    with pytest.raises(WrongError, match=r"page\.md"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- not run: there is no block behind it -->\n\ntext\n",
        "<!-- exits: never mind -->\n\ntext\n",
        "```console\n$ true\n```\n",
        "```sh\ntrue\n",
    ],
)
def test_a_page_that_can_be_read_in_two_ways_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)

    with pytest.raises(PageError):
        blocks(tmp_path / "page.md")


@pytest.mark.parametrize(
    ("shown", "said", "is_so"),
    [
        ("420 of 420 since 10:00:01Z", "7 of 1,200 since 23:59:59Z", True),
        ("until 17:45:19Z, then", "until 2026-11-30 00:31:13Z, then", True),
        ("until 17:45:19Z, then", "until never, then", False),
        ("over 20/h at node-1", "over 20/h at node-1", True),
        ("over 20/h at node-1", "over 20/h at node-2", False),
        ("HTTP/1.1 429 Too Many", "HTTP/1.1 200 Too Many", False),
        ("from … to 3", "from here\nto 4", True),
        ("k_0123 is refused", "k_0124 is refused", False),
    ],
)
def test_numbers_may_differ_and_names_not(shown: str, said: str, is_so: bool) -> None:
    assert bool(pattern(shown, is_exact=False).search(said)) is is_so


def test_a_command_has_all_its_lines() -> None:
    text = "one \\\n  more\nfor x in 1; do\n  echo $x\ndone\n# nothing\ncat <<END\n  a\nEND\nlast"

    assert [one.split()[0] for one in commands(text)] == ["one", "for", "cat", "last"]
