"""Which cluster a run is put on."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.contract.limits import parse_limits
from loadtest import cli, scenarios
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.setting import made_up_keys
from loadtest.elsewhere.target import Target, TargetError, is_node_url

FACTS = Facts((), parse_limits("100/m"))
HERE = ["--nodes", "http://127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0"]


@pytest.mark.parametrize("text", ["http://10.0.0.1:8080", "https://gate.example", "http://[::1]:80"])
def test_urls_of_nodes(text: str) -> None:
    assert is_node_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0.1:8080", "http://", "http://a:b", "http://a/path", "http://a?q", "ftp://a", "http://u@a"],
)
def test_what_is_none(text: str) -> None:
    assert not is_node_url(text)


def test_keys_stand_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# of the load test\nkey-a\n\n key-b\nkey-a\n")
    assert Target((), "", file).read_keys() == ["key-a", "key-b"]
    assert Target((), "").read_keys() is None


@pytest.mark.parametrize("text", ["", "# none\n", "two words\n"])
def test_a_file_without_usable_keys_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(TargetError, match="one a line"):
        Target((), "", file).read_keys()


def test_keys_are_made_up_anew_and_as_many_as_it_takes_for_none_to_be_refused() -> None:
    keys = made_up_keys(FACTS, 30.0)
    assert 150 < len(keys) < 200
    assert not set(keys) & set(made_up_keys(FACTS, 30.0))
    with pytest.raises(TargetError, match="take a lower --rate"):
        made_up_keys(FACTS, 1000.0)


def test_keys_that_share_the_limit_of_an_address_are_not_made_up() -> None:
    with pytest.raises(TargetError, match="give registered ones with --keys FILE"):
        made_up_keys(replace(FACTS, address_limit="100/m"), 30.0)


@pytest.mark.parametrize("name", scenarios.FAULTS)
def test_what_takes_processes_is_refused_with_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["run", "steady", name, *HERE]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"loadtest: {name} needs processes of the cluster")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nodes", "http://127.0.0.1:1"], "--redis"),
        (["--redis", "redis://127.0.0.1:1/0"], "--nodes"),
        (["--keys", "keys"], "--nodes"),
        (["--nodes", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1/0"], "no URL"),
        (["--nodes", "http://a,http://a", "--redis", "redis://127.0.0.1:1/0"], "twice"),
        (["--nodes", "http://a", "--redis", "http://a"], "--redis"),
        ([*HERE, "--path", "health"], "--path"),
        (["--web", "0"], "--web"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    arguments: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert cli.run(["run", "steady", *arguments]) == 2
    printed = capsys.readouterr().err
    assert named in printed
    assert printed.count("\n") == 1
