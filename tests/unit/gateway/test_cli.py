import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config.settings import Settings, variable
from gateway.version import FULL_VERSION

pytestmark = pytest.mark.usefixtures("only_an_upstream")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_check_shows_every_setting_by_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--default-limit", "7/m"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("=")[0] for line in lines] == [variable(name) for name in Settings.model_fields]
    assert "GATEWAY_UPSTREAM_URL=http://127.0.0.1:9000" in lines
    assert "GATEWAY_DEFAULT_LIMIT=7/m" in lines


def test_check_can_be_read_by_machines(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_IDENTITY_SECRET", "s3cret")
    monkeypatch.setenv("GATEWAY_PROT", "81")
    assert main(["--check", "--json"]) == 0

    out, err = capfd.readouterr()
    assert json.loads(out)["GATEWAY_PORT"] == "8080"
    assert "s3cret" not in out + err
    assert "GATEWAY_PROT is no setting (a typing error?)" in err


CLIENTS_FILES: dict[str, tuple[str | bytes, str]] = {
    "not TOML": ("clients = [", "clients.toml: not TOML"),
    "not UTF-8": (b"\xff", "clients.toml: "),
    "a malformed entry": ("[[clients]]\nname = 3", "clients.toml: client 1: needs a name"),
    "a key that is none": (
        '[[clients]]\nname = "acme"\nkey = "hidden key"',
        "clients.toml: client 'acme': a key is 1 to 256 visible ASCII characters",
    ),
}


@pytest.mark.parametrize(("content", "complaint"), CLIENTS_FILES.values(), ids=CLIENTS_FILES)
def test_a_malformed_clients_file_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], content: str | bytes, complaint: str
) -> None:
    Path("clients.toml").write_bytes(content.encode() if isinstance(content, str) else content)

    assert main(["--check", "--clients-file", "clients.toml"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gateway: " + complaint)
    assert err.count("\n") == 1
    assert "hidden" not in err


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere.toml", "No such file"), (".", "Is a directory"), ("x" * 300, "File name too long")],
)
def test_an_unreadable_clients_file_is_named_with_its_variable(
    capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert main(["--check", "--clients-file", name]) == 2

    err = capsys.readouterr().err
    assert err.startswith(f"gateway: GATEWAY_CLIENTS_FILE={name}: {reason}")
    assert err.count("\n") == 1


def test_a_pipe_in_a_files_place_is_not_waited_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "clients.toml")

    assert main(["--check", "--clients-file", str(tmp_path / "clients.toml")]) == 2
    assert capsys.readouterr().err.endswith("clients.toml: a pipe, not a file\n")


def test_the_version_is_shown_in_one_line_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gateway {FULL_VERSION}\n"


@pytest.mark.parametrize("arguments", [["--prot", "81"], ["serve"], ["--port"], ["--channel", "x"]])
def test_wrong_use_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gateway: ")
    assert line.endswith("(see gateway --help)")


def test_a_worker_without_a_channel_is_wrong_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with (tmp_path / "no-socket").open("w") as file:
        assert main([f"--channel={file.fileno()}"]) == 2
    assert capsys.readouterr().err == "gateway: --channel is for workers that a node starts: leave it out\n"


ROUTES_FILES: dict[str, tuple[str, str]] = {
    "not TOML": ("routes = [", "routes.toml: not TOML"),
    "a malformed entry": ("[[routes]]\nname = 3", "routes.toml: route 1: needs a name"),
    "a cost that nobody could pay": (
        '[[routes]]\nname = "search"\npath = "/s"\ncost = 11',
        "routes.toml: route 'search' costs 11, which the default limit of 10/m can never admit",
    ),
}


@pytest.mark.parametrize(("content", "complaint"), ROUTES_FILES.values(), ids=ROUTES_FILES)
def test_a_routes_file_that_cannot_be_used_is_told_by_its_entry(
    capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    Path("routes.toml").write_text(content)

    assert main(["--check", "--default-limit", "10/m", "--routes-file", "routes.toml"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"gateway: {complaint}")
    assert err.count("\n") == 1


def test_a_routes_file_that_is_not_there_is_told_by_its_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--routes-file", "none.toml"]) == 2
    assert capsys.readouterr().err == "gateway: GATEWAY_ROUTES_FILE=none.toml: No such file or directory\n"


@pytest.mark.parametrize(("name", "setting"), [("--allow", "GATEWAY_ALLOW"), ("--deny", "GATEWAY_DENY")])
def test_a_list_that_names_a_client_that_nobody_registered_stops_the_start(
    capsys: pytest.CaptureFixture[str], name: str, setting: str
) -> None:
    Path("clients.toml").write_text('[[clients]]\nname = "acme"\nkey = "a"')

    assert main(["--check", "--clients-file", "clients.toml", name, "acme"]) == 0
    assert main(["--check", "--clients-file", "clients.toml", name, "acme,acmee"]) == 2
    assert capsys.readouterr().err == f"gateway: {setting}: no client 'acmee'… is registered\n"
