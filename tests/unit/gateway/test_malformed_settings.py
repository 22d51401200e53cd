"""What no setting may be: refused at the start, in one line that names the setting, and no secret."""

from pathlib import Path

import pytest

from gateway import cli
from gateway.config.report import load
from gateway.config.settings import variable
from gateway.errors import StartError

pytestmark = pytest.mark.usefixtures("only_an_upstream")


def test_credentials_that_cannot_be_read_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "nowhere")

    with pytest.raises(StartError, match="nowhere: No such file or directory") as caught:
        load({})

    assert caught.value.exit_code == 2


MALFORMED = {
    "redis_url": [
        "localhost",
        "http://a",
        "redis://:s3cret@host:none/0",
        "redis://:s3cret@[host/0",
        "redis://h?a=b",
    ],
    "node_id": ["a b", "-a", "é", "x" * 64, "a\nb"],
    "port": ["-1", "65536", "http", "8080.5", "tcp://10.0.0.1:80"],
    "workers": ["0", "257", "two"],
    "admin_port": ["none"],
    "host": ["a..b", "http://a", "a:80 "],
    "admin_host": ["x" * 70],
    "advertise_host": ["http://node-1", "node 1"],
    "upstream_url": [
        "http://a..b",
        "ftp://a",
        "http://a,",
        "http://a http://b",
        "http://a,http://A/",
        "https://a,b",
        "a:80",
        "http://",
        "http://a/path",
        "http://a?b",
        "http://a:99999",
        "http://[1:2]:80",
        "http://[:::]",
        "http://a,http://[::1",
        "http://a:none",
        "http://a:0",
        "http://a b",
        "http://[::1",
        "http://u:s3cret@a",
        "http://a#b",
    ],
    "trusted_proxies": ["proxy.example", "0.0.0.0/0", "10.0.0.1/8"],
    "forward_key": ["maybe"],
    "client_header": ["X_Client", "Connection", "x-forwarded-for"],
    "key_header": ["X_Api_Key", "Authorization", "X-API-Key:", "Host"],
    "default_limit": [
        "100",
        "100/x",
        "0/m",
        "-5/m",
        "1/0s",
        "1.5/m",
        "10/s,20/s",
        "10/s,",
        "9" * 5000 + "/m",
    ],
    "default_concurrency": ["-1", "many", "1.5"],
    "address_limit": ["100", "0/m"],
    "shadow": ["maybe"],
    "exempt": ["health", "get /x", "/a/../b", "/a%2Fb"],
    "unknown_keys": ["maybe", "ACCEPT "],
    "anonymous": ["accept", "Address"],
    "on_store_failure": ["fail", "Local"],
    "store_deadline": ["0", "-1", "50ms", "nan", "inf", "4000"],
    "ratelimit_headers": ["draft"],
    "max_body_bytes": ["-1", "1M"],
    "upstream_timeout": ["0", "x"],
    "upstream_connections": ["0", "65537", "many"],
    "drain_delay": ["-1", "nan", "5s"],
    "upstream_idle_timeout": ["0", "-1", "long"],
    "drain_timeout": ["0", "x"],
    "log_level": ["verbose"],
    "log_format": ["xml"],
    "access_log": ["-0.1", "1.1", "nan", "inf", "all", "10%"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in MALFORMED for value in MALFORMED[name]]
)
def test_a_malformed_value_is_one_line_that_names_the_variable_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(variable(name), value)

    assert cli.main(["--check"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"gateway: {variable(name)}=")
    assert err.count("\n") == 1
    assert len(err) < 400
    assert "s3cret" not in err


@pytest.mark.parametrize("name", ["allow", "deny"])
def test_a_list_of_clients_is_not_repeated_as_it_may_hold_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(variable(name), "10.0.0.0/8,sk/a-s3cret-key")

    assert cli.main(["--check"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"gateway: {variable(name)}: 'sk/a-s'… is no client's name")
    assert "s3cret" not in err


def test_the_field_of_clients_is_not_that_of_keys() -> None:
    with pytest.raises(StartError, match="GATEWAY_CLIENT_HEADER=x-api-key is the field of the key"):
        load({"client_header": "x-api-key"})
    load({"client_header": "X-API-Key", "key_header": "X-Token"})


def test_a_limit_of_addresses_needs_unregistered_clients() -> None:
    with pytest.raises(StartError, match="GATEWAY_ADDRESS_LIMIT bounds unregistered clients, and none"):
        load({"address_limit": "5/m", "unknown_keys": "reject"})
    load({"address_limit": "5/m", "unknown_keys": "reject", "anonymous": "address"})


def test_a_required_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_UPSTREAM_URL")

    with pytest.raises(StartError, match="GATEWAY_UPSTREAM_URL is not set: the service behind") as error:
        load({})
    assert error.value.exit_code == 2


def test_settings_that_exclude_each_other_say_why() -> None:
    with pytest.raises(StartError, match="GATEWAY_UNKNOWN_KEYS=accept gives every made-up key") as error:
        load({"clients_file": "clients.toml", "unknown_keys": "accept"})
    assert error.value.exit_code == 2


FILES: dict[str, tuple[str | bytes, str]] = {
    "too deep": ("a = " + "[" * 5000, "gateway.toml: "),
    "a path with NUL": ('clients_file = "a\\u0000b"', "GATEWAY_CLIENTS_FILE='a\\x00b': a path has no NUL"),
    "no TOML": ("port = ", "gateway.toml: "),
    "not UTF-8": (b"host = '\xff'", "gateway.toml: "),
    "an unknown setting": ('prot = "80"', "gateway.toml: there is no setting 'prot'"),
    "a malformed value": ("port = []", "GATEWAY_PORT=[]: "),
    "a section": ("[port]\nx = 1", "GATEWAY_PORT="),
    "a secret that is no text": ("identity_secret = 5", "GATEWAY_IDENTITY_SECRET: "),
    "a text of two lines": ('on_store_failure = "a\\nb"', "GATEWAY_ON_STORE_FAILURE="),
}


@pytest.mark.parametrize(("content", "complaint"), FILES.values(), ids=FILES)
def test_a_malformed_file_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], content: str | bytes, complaint: str
) -> None:
    Path("gateway.toml").write_bytes(content.encode() if isinstance(content, str) else content)

    assert cli.main(["--check"]) == 2

    _, err = capsys.readouterr()
    assert err.startswith("gateway: " + complaint)
    assert err.count("\n") == 1


def test_a_value_that_a_container_platform_injected_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "tcp://10.0.0.1:8080")

    with pytest.raises(StartError, match=r"a container platform sets GATEWAY_PORT .* rename the service"):
        load({})


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("workers", "0", "write 1 or more"),
        ("workers", "1.5", "write a whole number"),
        ("port", "65536", "write 65535 or less"),
        ("store_deadline", "0", "write more than 0"),
        ("store_deadline", "soon", "write a number (of seconds)"),
        ("store_deadline", "inf", "write 3600 or less"),
        ("fast_lane", "maybe", "write true or false"),
        ("on_store_failure", "wait", "write 'local', 'open' or 'closed'"),
    ],
)
def test_what_would_be_right_is_said_in_words(name: str, text: str, right: str) -> None:
    with pytest.raises(StartError) as caught:
        load({name: text})

    assert str(caught.value) == f"{variable(name)}={text}: {right}"
