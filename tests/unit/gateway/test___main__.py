import json
import logging
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.settings import Settings, variable


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("GATEWAY_UPSTREAM_URL", "http://service:81")


def test_check_shows_every_setting_by_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--default-limit", "7/m"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("=")[0] for line in lines] == [variable(name) for name in Settings.model_fields]
    assert "GATEWAY_UPSTREAM_URL=http://service:81" in lines
    assert "GATEWAY_DEFAULT_LIMIT=7/m" in lines


def test_check_can_be_read_by_machines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_IDENTITY_SECRET", "s3cret")
    monkeypatch.setenv("GATEWAY_PROT", "81")
    assert main(["--check", "--json"]) == 0

    out, err = capsys.readouterr()
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


@pytest.mark.parametrize(("name", "reason"), [("nowhere.toml", "No such file"), (".", "Is a directory")])
def test_an_unreadable_clients_file_is_named_with_its_variable(
    capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert main(["--check", "--clients-file", name]) == 2

    err = capsys.readouterr().err
    assert err.startswith(f"gateway: GATEWAY_CLIENTS_FILE={name}: {reason}")
    assert err.count("\n") == 1


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == f"gateway {version('operator-ratelimiter')}"


@pytest.mark.parametrize("arguments", [["--prot", "81"], ["serve"], ["--port"]])
def test_wrong_use_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gateway: ")
    assert line.endswith("(see gateway --help)")
