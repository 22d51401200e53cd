"""Where settings come from, and what is told of them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway import cli
from gateway.access import AccessList, Exempt, TrustedProxies
from gateway.config.report import config_warnings, describe_unknown_keys, load, unknown_variables
from gateway.config.settings import SECRETS, Settings, variable
from gateway.contract.limits import parse_limits
from gateway.errors import StartError

UPSTREAM = "http://127.0.0.1:9000"
pytestmark = pytest.mark.usefixtures("only_an_upstream")

EXAMPLES: dict[str, tuple[str, object]] = {
    "redis_url": ("rediss://user:pw@redis.example:6380/3", "rediss://user:pw@redis.example:6380/3"),
    "node_id": ("node-7", "node-7"),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("8081", 8081),
    "workers": ("4", 4),
    "admin_host": ("10.0.0.1", "10.0.0.1"),
    "admin_port": ("0", 0),
    "tls_cert": ("/etc/tls/node.pem", Path("/etc/tls/node.pem")),
    "tls_key": ("/etc/tls/node.key", Path("/etc/tls/node.key")),
    "admin_names": ("gw.example,gw.internal", "gw.example,gw.internal"),
    "advertise_host": ("gateway.example", "gateway.example"),
    "upstream_url": ("http://service:81, https://[::1]", "http://service:81, https://[::1]"),
    "unauthenticated_limit": ("10/h", "10/h"),
    "min_rate_when_full": ("100", 100.0),
    "upstream_ca": ("authorities.pem", Path("authorities.pem")),
    "upstream_connections": ("50", 50),
    "upstream_idle_timeout": ("1.5", 1.5),
    "key_header": ("X-Token", "X-Token"),
    "forward_key": ("false", False),
    "client_header": ("X-Client-Id", "X-Client-Id"),
    "trusted_proxies": ("10.0.0.7, 2001:db8::/64", "10.0.0.7, 2001:db8::/64"),
    "default_limit": ("7/10s", parse_limits("7/10s")),
    "default_concurrency": ("10", 10),
    "address_limit": ("10/s,500/m", parse_limits("10/s,500/m")),
    "shadow": ("true", True),
    "routes_file": ("routes.toml", Path("routes.toml")),
    "exempt": ("OPTIONS, GET /health, /assets/*", "OPTIONS, GET /health, /assets/*"),
    "allow": ("k_0123456789abcdef, 10.0.0.0/8", "k_0123456789abcdef, 10.0.0.0/8"),
    "deny": ("2001:db8::/32", "2001:db8::/32"),
    "clients_file": ("clients.toml", Path("clients.toml")),
    "unknown_keys": ("reject", "reject"),
    "anonymous": ("address", "address"),
    "identity_secret": ("s3cret", "s3cret"),
    "on_store_failure": ("closed", "closed"),
    "store_deadline": ("0.2", 0.2),
    "ratelimit_headers": ("both", "both"),
    "max_body_bytes": ("1000", 1000),
    "max_connections": ("500", 500),
    "address_connections": ("20", 20),
    "header_timeout": ("2", 2.0),
    "body_timeout": ("2.5", 2.5),
    "send_timeout": ("20", 20.0),
    "min_rate": ("0", 0),
    "request_timeout": ("300", 300.0),
    "idle_timeout": ("30", 30.0),
    "upstream_timeout": ("5", 5.0),
    "tunnel_idle_timeout": ("60", 60.0),
    "drain_delay": ("5", 5.0),
    "drain_timeout": ("2.5", 2.5),
    "fast_lane": ("false", False),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "access_log": ("0.25", 0.25),
}


def plain(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if isinstance(value, Exempt | AccessList | TrustedProxies):
        return str(value)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_there_is_an_example_of_every_setting() -> None:
    assert set(EXAMPLES) == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items())
def test_every_setting_is_read_from_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, example: tuple[str, object]
) -> None:
    assert plain(load({}), name) != example[1]
    monkeypatch.setenv(variable(name), example[0])

    assert plain(load({}), name) == example[1]


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items())
def test_every_setting_is_read_from_gateway_toml(
    monkeypatch: pytest.MonkeyPatch, name: str, example: tuple[str, object]
) -> None:
    monkeypatch.delenv(variable(name), raising=False)
    Path("gateway.toml").write_text(f'{name} = "{example[0]}"\n')
    flags = {} if name == "upstream_url" else {"upstream_url": UPSTREAM}

    assert plain(load(flags), name) == example[1]


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items())
def test_every_setting_is_read_from_a_file_among_the_credentials(
    monkeypatch: pytest.MonkeyPatch, name: str, example: tuple[str, object]
) -> None:
    monkeypatch.setenv(variable(name), "")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "secrets")
    Path("secrets").mkdir()
    Path("secrets", variable(name)).write_text(f"{example[0]}\n")
    flags = {} if name == "upstream_url" else {"upstream_url": UPSTREAM}

    assert plain(load(flags), name) == example[1]


def test_the_environment_goes_before_the_credentials_and_those_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("gateway.toml").write_text('node_id = "of-the-file"\nhost = "of-the-file"\n')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "secrets")
    Path("secrets").mkdir()
    Path("secrets/GATEWAY_HOST").write_text("of-the-credentials")
    Path("secrets/ca.crt").write_text("what else is there")
    assert (load({}).node_id, load({}).host) == ("of-the-file", "of-the-credentials")

    monkeypatch.setenv("GATEWAY_HOST", "of-the-environment")

    assert load({}).host == "of-the-environment"


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items())
def test_every_setting_but_secrets_is_read_from_its_flag(
    capsys: pytest.CaptureFixture[str], name: str, example: tuple[str, object]
) -> None:
    Path("clients.toml").write_text("")
    flag = "--" + name.replace("_", "-")
    if name in SECRETS:
        assert cli.main([flag, example[0], "--check"]) == 2
        return
    flags = vars(cli._parser().parse_args([flag, example[0]]))

    assert (
        plain(load({key: value for key, value in flags.items() if value and key in EXAMPLES}), name)
        == (example[1])
    )


def test_numbers_in_gateway_toml_may_be_numbers() -> None:
    Path("gateway.toml").write_text("port = 81\nstore_deadline = 0.3\n")
    settings = load({})

    assert (settings.port, settings.store_deadline) == (81, 0.3)


def test_a_flag_goes_before_the_environment_and_that_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("gateway.toml").write_text('port = 1\nhost = "one"\nnode_id = "one"\n')
    assert (load({}).port, load({}).host, load({}).node_id) == (1, "one", "one")
    monkeypatch.setenv("GATEWAY_PORT", "2")
    monkeypatch.setenv("GATEWAY_HOST", "two")
    monkeypatch.setenv("NODE_ID", "two")
    assert (load({}).port, load({}).host, load({}).node_id) == (2, "two", "two")
    flagged = load({"port": "3", "node_id": "three"})
    assert (flagged.port, flagged.host, flagged.node_id) == (3, "two", "three")


@pytest.mark.parametrize(
    "url", ["http://a", "https://a", "http://A-1.b_c:81/", "http://[::1]:81", "http://127.0.0.1:65535"]
)
def test_an_upstream_is_a_host_and_perhaps_a_port(url: str) -> None:
    assert load({"upstream_url": url}).upstream_url == url


def test_equal_addresses_of_an_upstream_are_written_alike() -> None:
    urls = load({"upstream_url": "http://A:80/ ,https://b"}).upstream_urls

    assert urls == ("http://a:80", "https://b")


def test_a_host_name_that_is_no_node_id_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "hôte")

    with pytest.raises(StartError, match="NODE_ID=hôte: a node id has letters"):
        load({})


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "")
    monkeypatch.setenv("GATEWAY_ADVERTISE_HOST", "")

    assert (load({}).port, load({}).advertise_host) == (8080, None)


def test_the_defaults_are_those_of_the_design() -> None:
    settings = load({})

    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.admin_host, settings.admin_port) == ("127.0.0.1", 9080)
    assert settings.default_limit == parse_limits("100/m")
    assert (settings.on_store_failure, settings.store_deadline) == ("local", 0.05)
    assert (settings.ratelimit_headers, settings.max_body_bytes) == ("ietf", 0)
    assert (settings.log_level, settings.log_format, settings.access_log) == ("info", "text", 0.0)
    assert settings.node_id


@pytest.mark.parametrize(
    ("clients_file", "unknown_keys", "accepted"),
    [
        (None, None, True),
        (None, "accept", True),
        (None, "reject", False),
        ("clients.toml", None, False),
        ("clients.toml", "reject", False),
    ],
)
def test_unknown_keys_are_accepted_only_without_a_clients_file(
    clients_file: str | None, unknown_keys: str | None, accepted: bool
) -> None:
    given = {"clients_file": clients_file, "unknown_keys": unknown_keys}
    settings = load({name: value for name, value in given.items() if value is not None})

    assert settings.accepts_unknown_keys is accepted


def test_a_list_may_be_one_of_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_UPSTREAM_URL")
    Path("gateway.toml").write_text(
        'trusted_proxies = ["10.0.0.7", "10.1.0.0/16"]\ndeny = ["192.0.2.1"]\n'
        'exempt = ["OPTIONS", "/health"]\n'
        'default_limit = ["10/s", "500/m"]\nupstream_url = ["http://a:1", "http://b:2"]\n'
    )
    settings = load({})

    assert settings.trusted_proxies.entries == ("10.0.0.7", "10.1.0.0/16")
    assert (settings.deny.entries, settings.exempt.entries) == (("192.0.2.1",), ("OPTIONS", "/health"))
    assert str(settings.default_limit) == "10/s,500/m"
    assert settings.upstream_urls == ("http://a:1", "http://b:2")


def test_unknown_variables_are_warned_of() -> None:
    sentences = unknown_variables(
        {
            "GATEWAY_PROT": "8080",
            "GATEWAY_PORT_8080_TCP": "tcp://10.0.0.1:8080",
            "GATEWAY_PORT": "8080",
            "PATH": "/bin",
            "REDIS_URL": "redis://",
        }
    )

    assert sentences == [
        "GATEWAY_PORT_8080_TCP is no setting (set by a container platform?)",
        "GATEWAY_PROT is no setting (a typing error?)",
    ]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"unknown_keys": "reject"}, []),
        ({}, ["unknown keys"]),
        ({"host": "0.0.0.0"}, ["GATEWAY_IDENTITY_SECRET", "unknown keys"]),
        ({"host": "0.0.0.0", "identity_secret": "s3cret"}, ["unknown keys"]),
        ({"host": "0.0.0.0", "unknown_keys": "reject", "shadow": True}, ["GATEWAY_SHADOW"]),
        ({"unknown_keys": "reject", "workers": 256}, ["GATEWAY_WORKERS=256 on "]),
    ],
)
def test_what_may_surprise_is_told_of(settings: dict[str, object], told: list[str]) -> None:
    sentences = config_warnings(load(settings))

    assert len(sentences) == len(told)
    assert all(sentence.startswith(start) for sentence, start in zip(sentences, told, strict=True))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "unknown keys are accepted"),
        ({"clients_file": "clients.toml"}, "keys that are not in clients.toml are refused with 401"),
        ({"unknown_keys": "reject"}, "unknown keys are refused with 401"),
    ],
)
def test_a_start_says_what_becomes_of_unknown_keys(settings: dict[str, object], told: str) -> None:
    assert describe_unknown_keys(load(settings)) == told


def test_every_setting_is_described_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    for name in set(Settings.model_fields) - SECRETS:
        assert f"[{variable(name)}]" in text.replace("- ", "-")
