"""Which cluster a run is put on."""

from pathlib import Path

import pytest

from loadtest.elsewhere.target import Target, TargetError, is_node_url


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
