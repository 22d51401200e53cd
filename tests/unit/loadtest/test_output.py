"""What is printed, wherever it goes and whatever stands in it."""

import os
import subprocess
import sys
from io import StringIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from loadtest import output
from loadtest.child import CODE, StartError
from loadtest.output import PrintableConsole
from tests.full_disk import files_of_at_most


def printed(what: object) -> str:
    file = StringIO()
    PrintableConsole(file=file, width=80, force_terminal=True, color_system=None).print(what)
    return file.getvalue()


@pytest.mark.parametrize("what", ["a[/b] [red]c :smile:", Text("a[/b] [red]c :smile:")])
def test_a_text_is_drawn_as_it_is(what: object) -> None:
    assert printed(what) == "a[/b] [red]c :smile:\n"


def test_a_name_from_elsewhere_draws_no_colour_and_no_title() -> None:
    table = Table("node")
    table.add_row("no\x1b[31mde\x9b1m")

    assert (
        printed(Text("no\x1b]0;title\x07de\nthe next")) == "no\N{REPLACEMENT CHARACTER}]0;titlede\nthe next\n"
    )
    assert "\x1b" not in printed(table)
    assert "\x9b" not in printed(table)


@pytest.mark.parametrize("columns", ["0", "1", "-5", "\N{SUPERSCRIPT TWO}", "99999999999", "wide"])
def test_columns_that_are_no_width_are_not_taken_for_one(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert 20 <= PrintableConsole(file=StringIO()).width <= 9999

    monkeypatch.setenv("COLUMNS", "110")
    assert PrintableConsole(file=StringIO()).width == 110


def test_a_reader_who_has_gone_is_no_failed_verdict() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        console = PrintableConsole(file=TextIOWrapper(pipe, write_through=True), width=80)
        with pytest.raises(BrokenPipeError):
            console.print("told")


def in_a_shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`line` with ``$P`` for Python."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        env={**os.environ, "PYTHONPATH": str(CODE), "P": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closing", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_changes_no_exit_code(closing: str, tmp_path: Path) -> None:
    assert in_a_shell(f'"$P" -m loadtest evaluate --score "{tmp_path}" {closing}').returncode == 3


def test_a_folder_that_has_gone_is_no_fault_of_a_command_that_needs_none(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = in_a_shell(f'cd "{gone}" && rmdir "{gone}" && "$P" -P -m loadtest list')

    assert (done.returncode, done.stderr) == (0, "")


def test_an_encoding_without_a_sign_gets_its_escape() -> None:
    code = "from loadtest import output as o; o.prepare_streams(); o.console().print('\N{CHECK MARK} kept')"
    done = in_a_shell('"$P" -c "$CODE"', PYTHONIOENCODING="ascii", CODE=code)

    assert (done.returncode, done.stdout, done.stderr) == (0, "\\u2713 kept\n", "")


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_text("of before")

    with files_of_at_most(100), pytest.raises(StartError, match="page cannot be written: File too large"):
        output.write(page, "x" * 200)

    assert page.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [page]


def test_a_file_that_is_written_anew_has_the_rights_and_the_place_that_it_had(tmp_path: Path) -> None:
    page, link = tmp_path / "page", tmp_path / "link"
    page.touch()
    page.chmod(0o640)
    link.symlink_to(page)

    output.write(link, "anew")

    assert (page.read_text(), page.stat().st_mode & 0o777, link.is_symlink()) == ("anew", 0o640, True)


@pytest.mark.parametrize("to", ["| cat", ">/dev/null"])
def test_what_a_stream_leads_to_is_written_to_by_its_name(to: str) -> None:
    code = "from pathlib import Path as P; from loadtest import output as o; p = P('/dev/stdout'); "
    done = in_a_shell(f'"$P" -c "$CODE" {to}', CODE=f"{code}o.check(p); o.write(p, 'told')")

    assert (done.stderr, done.stdout) == ("", "told" if "cat" in to else "")


def test_a_folder_or_a_place_in_none_is_known_to_take_no_result(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "page"):
        with pytest.raises(StartError, match="cannot be"):
            output.check(path)


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(StartError, match="full cannot be written: No space left on device"):
        output.write(tmp_path / "full", "x")
