import os
from pathlib import Path

import pytest

from subject import settings
from subject.errors import UsageError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(settings.variable(name), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SUBJECT_SKEW_RATIO", "abc", "SUBJECT_SKEW_RATIO=abc: write a number"),
        ("SUBJECT_SKEW_RATIO", "0.5", "SUBJECT_SKEW_RATIO=0.5: write more than 1"),
        ("SUBJECT_NODES", "host", "SUBJECT_NODES=host: write admin addresses as HOST:PORT"),
        ("SUBJECT_NODES", "a:1,http://b:2/", "SUBJECT_NODES=a:1,http://b:2/: write admin addresses"),
        ("SUBJECT_NODES", "a:70000", "write admin addresses"),
        ("REDIS_URL", "http://x", "REDIS_URL: write redis://HOST:PORT/DATABASE"),
        ("REDIS_URL", "redis://h:port/0", "REDIS_URL: write redis://HOST:PORT/DATABASE"),
        ("REDIS_URL", "redis://h/abc", "REDIS_URL: write redis://HOST:PORT/DATABASE"),
        ("REDIS_URL", "redis://h?foo=1", "REDIS_URL: write redis://HOST:PORT/DATABASE"),
        ("SUBJECT_PORT", "tcp://10.0.0.1:80", "SUBJECT_PORT=tcp://10.0.0.1:80: write a whole number"),
        ("SUBJECT_PORT", "70000", "SUBJECT_PORT=70000: write 65535 or less"),
        ("SUBJECT_HOST", "a..b", "SUBJECT_HOST=a..b: write a host name or an address, without a port"),
        ("SUBJECT_HOST", os.fsdecode(b"\xff"), "write a host name or an address, without a port"),
        ("SUBJECT_NAMES", "http://a", "SUBJECT_NAMES=http://a: write host names without ports"),
        ("SUBJECT_SPIKE_Z", "inf", "SUBJECT_SPIKE_Z=inf: write a finite number"),
        ("SUBJECT_BREACH_REFUSED", "1" * 400, ": write 1000000000 or less"),
        ("SUBJECT_NODES", "host:٣", "write admin addresses as HOST:PORT"),
        ("SUBJECT_TIMEOUT_SECONDS", "0", "SUBJECT_TIMEOUT_SECONDS=0: write more than 0"),
    ],
)
def test_a_malformed_setting_is_named_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(UsageError) as caught:
        settings.load()

    assert expected in str(caught.value)
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_a_secret_may_be_a_file_among_the_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("GATEWAY_IDENTITY_SECRET", "of the environment")
    (tmp_path / "REDIS_URL").write_text("redis://subject:pw@redis/0\n")
    (tmp_path / "SUBJECT_TOKEN").write_text("0123456789abcdef\n")
    (tmp_path / "GATEWAY_IDENTITY_SECRET").write_text("of the credentials")

    loaded = settings.load()

    assert loaded.redis_url == "redis://subject:pw@redis/0"
    assert loaded.dashboard_token == "0123456789abcdef"
    assert loaded.identity_secret is not None
    assert loaded.identity_secret.get_secret_value() == "of the environment"


def test_credentials_that_are_not_there_end_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/nowhere")

    with pytest.raises(UsageError, match="/nowhere: No such file or directory"):
        settings.load()


def test_a_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "rdis://:hunter2@host")

    with pytest.raises(UsageError) as caught:
        settings.load()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("token", ["hunter2", "hunter2 hunter2 hunter2", "hünter2hünter2hünter2"])
def test_a_token_that_is_short_or_cannot_be_sent_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("SUBJECT_TOKEN", token)

    with pytest.raises(UsageError, match="SUBJECT_TOKEN: write at least 16") as caught:
        settings.load()

    assert "nter2" not in str(caught.value)


def test_a_dashboard_has_the_names_that_are_listed_and_the_one_that_it_listens_on() -> None:
    loaded = settings.load(names="Limits.example.org, b", host="node.internal")

    assert loaded.dashboard_names == {"limits.example.org", "b", "node.internal"}


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBJECT_NODES", "a:9080, [::1]:9081,")

    assert settings.load().admin_addresses == ("a:9080", "[::1]:9081")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")

    assert settings.load().redis_url == "redis://127.0.0.1:6379/0"


def test_a_variable_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("subject_port", "7")

    assert settings.load().port == 7


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBJECT_PORT", "7")
    monkeypatch.setenv("REDIS_URL", "redis://a/1")

    loaded = settings.load(port=8, REDIS_URL="redis://b/2")

    assert (loaded.port, loaded.redis_url) == (8, "redis://b/2")


def test_what_was_set_is_told_from_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBJECT_SKEW_RATIO", "1.5")

    assert settings.load().model_fields_set == {"skew_ratio"}


def test_a_misspelt_variable_is_found() -> None:
    assert settings.unknown_variables({"SUBJECT_SKEWRATIO": "2", "SUBJECT_NODES": "", "PATH": ""}) == [
        "SUBJECT_SKEWRATIO"
    ]
