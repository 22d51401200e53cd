"""compose.yaml and redis.conf, held against the settings, the code and a real Redis."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis.asyncio as redis_asyncio
import yaml

import subject.settings
from gateway.contract.limits import parse_limits
from gateway.listener import SPARE_DESCRIPTORS
from loadtest import redis_server
from tests.deployment.composed import (
    COMPOSE,
    GATEWAY_VARIABLES,
    HARDENED,
    NODES,
    SERVICES,
    SUBJECT_VARIABLES,
    environment,
    filled,
    megabytes,
    most_megabytes,
    settings_of,
)
from tests.deployment.dockerfile import STAGES, lineage
from tests.project import ROOT

ALL = pytest.mark.parametrize("service", SERVICES)
BUILT = sorted(SERVICES.keys() - {"redis"})


def test_redis_is_as_the_nodes_need_it() -> None:
    redis = SERVICES["redis"]

    assert redis["image"] == "redis:7.4-alpine"
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "-e", "ping"]
    mounts = dict(volume.split(":")[:2] for volume in redis["volumes"])
    assert mounts == {"./docker/redis.conf": redis["command"][1], "redis-data": "/data"}
    assert "redis-data" in COMPOSE["volumes"]


def test_nobody_outside_reaches_redis_which_has_no_password() -> None:
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["redis"]["networks"] == ["store"]
    assert COMPOSE["networks"] == {"store": {"internal": True}}
    beside = {name for name, service in SERVICES.items() if "store" in service.get("networks", ())}
    assert beside == {"redis", "subject", *NODES}


async def test_redis_takes_its_configuration() -> None:
    with redis_server.running("--include", str(ROOT / "docker/redis.conf")) as server:
        async with redis_asyncio.Redis.from_url(server.url, decode_responses=True) as client:
            read = await client.config_get(
                "appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "save"
            )

    assert read == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(100 * 1024 * 1024),
        "maxmemory-policy": "volatile-lru",
        "save": "",
    }


# Every service


def test_each_file_that_is_mounted_from_a_checkout_is_one_that_the_page_has_made_readable() -> None:
    page = (ROOT / "docs/how-to/docker.md").read_text()
    (named,) = re.findall(r"^    chmod a\+r (.*)$", page, re.MULTILINE)
    services = (*SERVICES.values(), *HARDENED["services"].values())
    volumes = [volume for service in services for volume in service.get("volumes", ())]
    mounted = {volume.split(":")[0].removeprefix("./") for volume in volumes if volume.startswith("./")}

    assert mounted >= {"docker/redis.conf", "docker/redis-hardened.conf"}
    assert mounted == {str(path.relative_to(ROOT)) for glob in named.split() for path in ROOT.glob(glob)}


@ALL
def test_a_service_can_change_nothing_that_it_is_made_of(service: str) -> None:
    given = SERVICES[service]

    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert "cap_add" not in given
    assert "privileged" not in given
    assert given["security_opt"] == ["no-new-privileges:true"]
    if "build" in given:
        assert any(stage.all("USER") for stage in lineage(given["build"]["target"]))
    else:
        assert given["user"] == "redis", "its image starts as root, and without capabilities could not change"


@ALL
def test_a_service_comes_back_and_has_its_bounds(service: str) -> None:
    given = SERVICES[service]

    assert given["restart"] == "unless-stopped"
    limits = given["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert given["logging"]["options"].keys() == {"max-size", "max-file"}


@ALL
def test_no_argument_of_a_health_check_is_empty(service: str) -> None:
    """Podman leaves such out."""
    for over in (SERVICES, HARDENED["services"]):
        check = over.get(service, {}).get("healthcheck", {})
        assert all(check.get("test", ["CMD"]))


@ALL
def test_it_is_known_whether_a_service_is_well(service: str) -> None:
    given = SERVICES[service]

    if "healthcheck" in given:
        assert given["healthcheck"]["start_period"] == "120s"
    else:
        (check,) = STAGES[given["build"]["target"]].all("HEALTHCHECK")
        assert "--start-period=120s" in check


def test_redis_may_use_its_memory_twice_while_it_rewrites_its_file() -> None:
    (maxmemory,) = re.findall(r"^maxmemory (\d+)mb$", (ROOT / "docker/redis.conf").read_text(), re.MULTILINE)

    limit = megabytes(SERVICES["redis"]["deploy"]["resources"]["limits"]["memory"])
    assert limit >= 2 * int(maxmemory) + 50


def test_every_built_service_has_its_target() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == set(BUILT)
    for name in BUILT:
        build = SERVICES[name]["build"]
        assert (ROOT / build["context"] / build["dockerfile"]).is_file()
        assert build["target"] in STAGES


def test_what_may_be_filled_in_is_a_setting_or_where_to_publish() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))

    assert asked - {"PUBLISH_ADDRESS"} <= GATEWAY_VARIABLES | SUBJECT_VARIABLES


def test_every_port_is_published_on_this_machine_only_unless_asked_for_elsewhere() -> None:
    ports = {
        name: [filled(p) for p in service["ports"]]
        for name, service in SERVICES.items()
        if "ports" in service
    }

    assert ports == {
        "node-1": ["127.0.0.1:8081:8080"],
        "node-2": ["127.0.0.1:8082:8080"],
        "node-3": ["127.0.0.1:8083:8080"],
        "subject": ["127.0.0.1:9180:9180"],
        "locust": ["127.0.0.1:8089:8089"],
    }


# Nodes


def test_there_are_three_nodes() -> None:
    nodes = [name for name, service in SERVICES.items() if "NODE_ID" in service.get("environment", {})]

    assert nodes == list(NODES)


@pytest.mark.parametrize("node", NODES)
def test_every_variable_of_a_node_is_a_setting(node: str) -> None:
    assert SERVICES[node]["environment"].keys() <= GATEWAY_VARIABLES


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_given_settings_that_fit(
    node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of(node, monkeypatch, tmp_path)

    assert settings.node_id == settings.advertise_host == node
    assert urlsplit(settings.redis_url).hostname == "redis"
    assert settings.upstream_url == f"http://upstream:{upstream_port()}"
    assert settings.default_limit == parse_limits("100/m")
    assert (settings.host, settings.admin_host) == ("0.0.0.0", "0.0.0.0")
    assert settings.identity_secret is None


@pytest.mark.parametrize("node", NODES)
def test_a_node_publishes_its_port_and_not_its_admin_listener(
    node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of(node, monkeypatch, tmp_path)
    (published,) = SERVICES[node]["ports"]

    assert int(published.rpartition(":")[2]) == settings.port != settings.admin_port


@pytest.mark.parametrize("node", NODES)
def test_a_node_waits_for_redis_and_may_finish_its_requests(
    node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of(node, monkeypatch, tmp_path)

    assert SERVICES[node]["depends_on"]["redis"] == {"condition": "service_healthy"}
    grace_seconds = float(SERVICES[node]["stop_grace_period"].removesuffix("s"))
    assert grace_seconds > settings.drain_delay + settings.drain_timeout + 5


@pytest.mark.parametrize("node", NODES)
def test_a_node_may_have_the_files_and_the_memory_that_its_connections_take(
    node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of(node, monkeypatch, tmp_path)

    descriptors = settings.max_connections + min(settings.max_connections, settings.upstream_connections)
    assert SERVICES[node]["ulimits"]["nofile"] >= descriptors + SPARE_DESCRIPTORS
    memory = megabytes(SERVICES[node]["deploy"]["resources"]["limits"]["memory"])
    assert memory >= most_megabytes(settings.max_connections, settings.upstream_connections)


# The others


def upstream_port() -> int:
    command = SERVICES["upstream"]["command"]
    return int(command[command.index("--port") + 1])


def test_the_upstream_is_started_with_flags_that_it_has() -> None:
    command = [*STAGES["loadtest"].command("ENTRYPOINT"), *SERVICES["upstream"]["command"]]
    asked = [sys.executable, "-m", *command[:2], "--help"]
    usage = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=30).stdout

    assert command[:2] == ["loadtest", "upstream"]
    assert set(command[2::2]) == {"--host", "--port"}
    assert all(f"{flag} " in usage for flag in command[2::2])
    assert SERVICES["upstream"]["healthcheck"]["test"] == health_check_of(upstream_port())


def health_check_of(port: int) -> list[str]:
    return ["CMD", "python", "/healthcheck.py", "/", str(port)]


def test_the_subject_is_given_settings_that_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = SERVICES["subject"]["environment"]
    assert given.keys() <= SUBJECT_VARIABLES
    for name in SUBJECT_VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    for name, value in environment("subject").items():
        if name in SUBJECT_VARIABLES:
            monkeypatch.setenv(name, value)

    settings = subject.settings.load()

    nodes = {node: settings_of(node, monkeypatch, tmp_path) for node in NODES}
    assert settings.admin_addresses == tuple(f"{node}:{nodes[node].admin_port}" for node in NODES)
    assert settings.redis_url == nodes["node-1"].redis_url
    assert settings.host == "0.0.0.0"
    assert SERVICES["subject"]["ports"] == [f"127.0.0.1:{settings.port}:{settings.port}"]
    assert "subject" in settings.dashboard_names, "where Prometheus asks for it by its name"
    assert settings.token is None
    assert STAGES["subject"].command("CMD") == ["serve"]
    assert "profiles" not in SERVICES["subject"]


def test_locust_is_there_for_who_asks_for_it() -> None:
    locust = SERVICES["locust"]

    assert locust["profiles"] == ["load"]
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"locust"}
    (mount,) = locust["volumes"]
    source, target, mode = mount.split(":")
    assert (ROOT / source).is_file()
    assert [*locust["entrypoint"], *locust["command"]] == ["locust", "-f", target]
    assert mode == "ro"
    assert locust["healthcheck"]["test"] == health_check_of(8089)
    nodes = locust["environment"]["NODES"].split(",")
    assert nodes == [f"http://{node}:8080" for node in NODES]
    assert set(re.findall(r'environ\["(\w+)"\]', (ROOT / source).read_text())) == {"NODES"}


def test_the_commands_at_the_top_of_the_file_are_those_of_the_services() -> None:
    text = (ROOT / "compose.yaml").read_text()
    commands = [
        shlex.split(line.split("     ")[0][1:]) for line in text.splitlines() if "docker compose" in line
    ]

    assert ["docker", "compose", "run", "--rm", "subject", "diagnose"] in commands
    profiles = {words[words.index("--profile") + 1] for words in commands if "--profile" in words}
    assert profiles == set(yaml.safe_load(text)["services"]["locust"]["profiles"])
