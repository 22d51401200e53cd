"""What is offered for completion is what the parser takes, in a real shell."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from subject.commands import parser
from subject.commands.completion import SCRIPTS, places, script
from subject.errors import UsageError

PLACES = {place.path: place for place in places(parser.build())}


def test_every_command_and_option_of_the_parser_is_offered() -> None:
    offered = {word.text for word in PLACES[""].words}
    of_set = {word.text for word in PLACES["/limits/set"].words}

    assert {"status", "nodes", "top", "why", "limits", "completion", "--version"} <= offered
    assert {"--why", "--for", "--until", "--dry-run", "--revision", "--no-wait", "--json"} <= of_set
    assert {word.text for word in PLACES["/nodes"].commands} == {"forget"}


def test_a_shell_without_a_script_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(UsageError, match="bash, zsh, fish"):
        script("csh", parser.build())


def bash(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    (folder / "completion").write_text(script("bash", parser.build()))
    program = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _subject; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = ["bash", "--norc", "--noprofile", "-uc", program, "bash", str(folder / "completion"), *words]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("subject", "wh"), ["why", "whois"]),
        (("subject", "limits", ""), ["get", "set", "unset"]),
        (("subject", "limits", "set", "acme", "5/m", "--d"), ["--dry-run"]),
        (("subject", "--json", "limits", "s"), ["set"]),
        (("subject", "top", "--by", ""), ["busiest", "refused", "nearest"]),
        (("subject", "diagnose", "--explain", "node_d"), ["node_down"]),
        (("subject", "completion", ""), ["bash", "zsh", "fish"]),
        (("subject", "limits", "set", "acme", "--why", ""), []),
        (("subject", "nodes", "f"), ["forget"]),
        (("subject", "reset", "limits", "s"), []),
    ],
)
def test_bash_offers_what_may_follow(tmp_path: Path, words: tuple[str, ...], offered: list[str]) -> None:
    found = bash(tmp_path, *words)

    assert [word for word in found if not word.startswith("-")] == [
        word for word in offered if not word.startswith("-")
    ]
    assert set(offered) <= set(found)


def test_nothing_that_stands_in_a_line_is_run_while_bash_completes_it(tmp_path: Path) -> None:
    bash(tmp_path, "subject", "x;touch y", "$(touch z)", "")

    assert [path.name for path in tmp_path.iterdir()] == ["completion"]


def walked() -> Iterator[tuple[str, ...]]:
    for path in PLACES:
        yield tuple(path.split("/"))[1:]


@pytest.mark.parametrize("path", list(walked()), ids=" ".join)
def test_bash_knows_each_place(tmp_path: Path, path: tuple[str, ...]) -> None:
    place = PLACES["/".join(("", *path))]

    assert bash(tmp_path, "subject", *path, "") == [word.text for word in place.words]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.system
def test_other_shells_can_read_their_script(tmp_path: Path, shell: str) -> None:
    program = shutil.which(shell)
    assert program, f"apt install {shell}"
    path = tmp_path / "completion"
    path.write_text(script(shell, parser.build()))
    run = subprocess.run([program, "-n", str(path)], capture_output=True, text=True, timeout=30, check=False)

    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.system
def test_fish_offers_what_may_follow(tmp_path: Path) -> None:
    path = tmp_path / "completion"
    path.write_text(script("fish", parser.build()))

    def offered(line: str) -> list[str]:
        command = ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return [row.split("\t")[0] for row in run.stdout.splitlines()]

    assert offered("subject wh") == ["whois", "why"]
    assert offered("subject limits ") == ["get", "set", "unset"]
    assert sorted(offered("subject top --by ")) == ["busiest", "nearest", "refused"]


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_no_help_breaks_a_script(shell: str) -> None:
    text = script(shell, parser.build())

    assert "\t" not in text
    assert text.endswith("\n")
