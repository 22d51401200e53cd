"""What the command line accepts."""

import os
import tempfile
from pathlib import Path

import pytest

from loadtest import cli, scenarios

ELSEWHERE = ["--nodes", "http://127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["run"], "SCENARIO"),
        (["run", "earthquake"], "earthquake"),
        (["list", "all"], "loadtest list: unrecognized arguments: all (see loadtest list --help)"),
        (["run", "steady", "--rate", "0"], "--rate"),
        (["up", "--nodes", "0"], "--nodes"),
        (["up", "--nodes", "three"], "--nodes"),
        (["up", "--workers", "0"], "--workers"),
        (["upstream", "--port", "70000"], "--port"),
        (["upstream", "--host", ""], "--host"),
        (["upstream", "--host", "a..b"], "--host"),
        (["upstream", "--host", os.fsdecode(b"\xff")], "--host"),
        (["demo", "--seed", "-1"], "--seed"),
        (["run", "steady", "--nodes", "http://127.0.0.1:1"], "--redis"),
        (["run", "steady", "--redis", "redis://127.0.0.1:1/0"], "--nodes"),
        (["run", "steady", "--keys", "keys"], "--nodes"),
        (["run", "steady", "--nodes", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0"], "no URL"),
        (["run", "steady", "--nodes", "http://a,http://a", "--redis", "redis://127.0.0.1:1/0"], "twice"),
        (["run", "steady", "--nodes", "http://a", "--redis", "http://a"], "--redis"),
        (["run", "steady", *ELSEWHERE, "--path", "health"], "--path"),
        *((["run", "steady", name, *ELSEWHERE], f"{name} needs processes") for name in scenarios.FAULTS),
        (["run", "steady", "--web", "0"], "--web"),
        (["evaluate", "--only", "earthquake"], "earthquake"),
        (["evaluate", "--jobs", "0"], "--jobs"),
        (["evaluate", "--run", "reporting-1001-low-5-1"], "--record"),
        (["evaluate", "--run", "no-run", "--record", "runs"], "reporting-1001-low-5-1"),
        (["evaluate", "--score", "runs", "--record", "runs"], "not both"),
        (["evaluate", "--reporting", "0", "--choosing", "0"], "--reporting"),
        (["evaluate", "--choosing", "0", "--sweep"], "--choosing"),
        (["evaluate", "--score", "runs", "--reporting", "2"], "--only"),
    ],
)
def test_wrong_use_is_one_line_that_names_what_is_wrong(
    arguments: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert cli.run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert named in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["demo", "--help"]])
def test_help_and_version_are_no_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 0
    assert "loadtest" in capsys.readouterr().out


def test_the_list_names_each_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert tuple(names) == scenarios.NAMES


def test_a_machine_without_room_is_one_line_that_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert cli.run(["up"]) == 3
    errors = capsys.readouterr().err
    assert errors.startswith(f"loadtest: {tmp_path}/nowhere/")
    assert errors.endswith(": No such file or directory\n")


def test_files_of_what_is_started_elsewhere_are_found_though_the_temporary_folder_is_named_from_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", ".")
    assert cli.run(["list"]) == 0
    assert Path(tempfile.gettempdir()).is_absolute()
