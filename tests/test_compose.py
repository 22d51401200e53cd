"""compose.yaml, the Dockerfile and redis.conf, held against the settings and the code."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis.asyncio as redis_asyncio
import yaml

import gateway.settings
import subject.settings
from gateway.contract.limits import parse_limits
from loadtest import redis_server
from loadtest.ports import free_port

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODES = ("node-1", "node-2", "node-3")
GATEWAY_VARIABLES = {gateway.settings.variable(name) for name in gateway.settings.Settings.model_fields}
SUBJECT_VARIABLES = {subject.settings.variable(name) for name in subject.settings.Settings.model_fields}


@dataclass
class Stage:
    """One FROM of the Dockerfile with what follows it."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    def command(self, instruction: str) -> list[str]:
        """The arguments of the last ENTRYPOINT or CMD in its JSON form."""
        arguments: list[str] = json.loads((self.all(instruction) or ["[]"])[-1])
        return arguments


def dockerfile() -> dict[str, Stage]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "docker/Dockerfile").read_text())
    stages: dict[str, Stage] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = Stage(base)
        else:
            stages[next(reversed(stages))].steps.append((instruction, rest))
    return stages


STAGES = dockerfile()


def image_environment(target: str) -> dict[str, str]:
    """What ENV sets in a target and in the stages below it."""
    stage = STAGES[target]
    below = image_environment(stage.base) if stage.base in STAGES else {}
    return below | dict(pair.split("=", 1) for line in stage.all("ENV") for pair in shlex.split(line))


def environment(service: str) -> dict[str, str]:
    """What a service's process is given, where the operator's own environment is empty."""
    given = SERVICES[service]["environment"]
    filled = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in given.items()}
    return image_environment(SERVICES[service]["build"]["target"]) | filled


def settings_of(node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> gateway.settings.Settings:
    """A node's settings as it would load them in its container."""
    monkeypatch.chdir(tmp_path)
    for name in GATEWAY_VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    for name, value in environment(node).items():
        if name in GATEWAY_VARIABLES:
            monkeypatch.setenv(name, value)
    return gateway.settings.load({})


# compose.yaml


def test_redis_is_as_the_nodes_need_it() -> None:
    redis = SERVICES["redis"]

    assert redis["image"] == "redis:7.4-alpine"
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    mounts = dict(volume.split(":")[:2] for volume in redis["volumes"])
    assert mounts == {"./docker/redis.conf": redis["command"][1], "redis-data": "/data"}
    assert "redis-data" in COMPOSE["volumes"]
    assert "ports" not in redis, "Redis has no password: nobody outside may reach it"


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

    address, _, inner = published.rpartition(":")
    assert int(inner) == settings.port != settings.admin_port
    assert address == f"127.0.0.1:{8080 + int(node.removeprefix('node-'))}"


@pytest.mark.parametrize("node", NODES)
def test_a_node_waits_for_redis_and_may_finish_its_requests(
    node: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_of(node, monkeypatch, tmp_path)

    assert SERVICES[node]["depends_on"]["redis"] == {"condition": "service_healthy"}
    grace_seconds = float(SERVICES[node]["stop_grace_period"].removesuffix("s"))
    assert grace_seconds > settings.drain_delay + settings.drain_timeout + 5


def upstream_port() -> int:
    command = SERVICES["upstream"]["command"]
    return int(command[command.index("--port") + 1])


def test_the_upstream_is_started_with_flags_that_it_has() -> None:
    command = [*STAGES["upstream"].command("ENTRYPOINT"), *SERVICES["upstream"]["command"]]
    asked = [sys.executable, "-m", *command[:2], "--help"]
    usage = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=30).stdout

    assert set(command[2::2]) == {"--host", "--port"}
    assert all(f"{flag} " in usage for flag in command[2::2])
    assert str(upstream_port()) in STAGES["upstream"].all("EXPOSE")


def test_the_subject_is_given_settings_that_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = SERVICES["subject"]["environment"]
    assert given.keys() <= SUBJECT_VARIABLES
    for name in SUBJECT_VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    for name in given:
        monkeypatch.setenv(name, environment("subject")[name])

    settings = subject.settings.load()

    nodes = {node: settings_of(node, monkeypatch, tmp_path) for node in NODES}
    assert settings.admin_addresses == tuple(f"{node}:{nodes[node].admin_port}" for node in NODES)
    assert settings.redis_url == nodes["node-1"].redis_url
    assert SERVICES["subject"]["profiles"] == ["tools"]


def test_every_built_service_has_its_target() -> None:
    built = {name: service["build"] for name, service in SERVICES.items() if "build" in service}

    assert built.keys() == SERVICES.keys() - {"redis"}
    for build in built.values():
        assert (ROOT / build["context"] / build["dockerfile"]).is_file()
        assert build["target"] in STAGES


# Dockerfile


@pytest.mark.parametrize("target", ["gateway", "subject", "upstream"])
def test_an_image_starts_a_command_of_the_project_as_an_ordinary_user(target: str) -> None:
    stage, below = STAGES[target], STAGES[STAGES[target].base]

    assert stage.command("ENTRYPOINT")[0] in ("gateway", "subject", "loadtest")
    assert (stage.all("USER") or below.all("USER"))[-1].isdecimal()
    assert not [run for run in stage.all("RUN") + below.all("RUN") if "pip" in run or "apt" in run]


def test_the_images_are_made_of_locked_packages() -> None:
    installs = re.findall(r"pip [^&]*(?:install|wheel) [^&]*", " && ".join(STAGES["build"].all("RUN")))

    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes -r " in install or "--no-deps" in install, install


def test_the_image_is_of_compiled_code_and_has_no_compiler() -> None:
    (wheel,) = (run for run in STAGES["build"].all("RUN") if "pip wheel" in run)

    assert wheel.startswith("HATCH_BUILD_HOOKS_ENABLE=1 ")
    assert [name for name, stage in STAGES.items() if any("gcc" in run for run in stage.all("RUN"))] == [
        "build"
    ]


def test_everything_that_is_copied_is_there_and_in_the_context() -> None:
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    for sources in (line.split()[:-1] for line in STAGES["build"].all("COPY")):
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) for pattern in let_through), f"{source} is ignored"


def test_every_stage_runs_a_python_that_the_project_runs_on() -> None:
    bases = {stage.base for stage in STAGES.values()} - STAGES.keys()

    assert bases == {"python:3.13-slim"}


def test_the_image_sets_only_settings_that_exist() -> None:
    own = {name for name in image_environment("gateway") if not name.startswith(("PYTHON", "PATH"))}

    assert own <= GATEWAY_VARIABLES
    assert not {name for name in own if "SECRET" in name}


def test_the_image_exposes_the_ports_that_a_node_listens_on() -> None:
    fields = gateway.settings.Settings.model_fields

    assert STAGES["gateway"].all("EXPOSE") == [f"{fields['port'].default} {fields['admin_port'].default}"]


def health_check() -> list[str]:
    """The command by which Docker asks whether a node is well, run by this Python."""
    (line,) = STAGES["gateway"].all("HEALTHCHECK")
    command: list[str] = json.loads(line.partition(" CMD ")[2])
    assert command[:2] == ["python", "-c"]
    return [sys.executable, *command[1:]]


def test_the_health_check_asks_for_a_page_that_the_admin_listener_has() -> None:
    texts = {node.value for node in ast.walk(ast.parse(health_check()[2])) if isinstance(node, ast.Constant)}

    assert {"/healthz", gateway.settings.Settings.model_fields["admin_port"].default} <= texts
    assert '"/healthz"' in (ROOT / "gateway/admin.py").read_text()


def is_well(admin_port: str) -> bool:
    given = os.environ | {"GATEWAY_ADMIN_PORT": admin_port}
    return subprocess.run(health_check(), env=given, capture_output=True, timeout=10).returncode == 0


def test_the_health_check_tells_a_node_that_lives_from_one_that_does_not(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    port, admin_port = str(free_port()), str(free_port())
    loopback = {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_ADMIN_HOST": "127.0.0.1"}
    given = environment("node-1") | loopback | {"GATEWAY_PORT": port, "GATEWAY_ADMIN_PORT": admin_port}
    given |= {"REDIS_URL": shared_redis.url, "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", *STAGES["gateway"].command("ENTRYPOINT")]
    assert not is_well(admin_port)

    node = subprocess.Popen(command, env=os.environ | given | {"PATH": os.environ["PATH"]}, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 20
        while not is_well(admin_port):
            assert node.poll() is None
            assert time.monotonic() < deadline
        node.terminate()
        assert node.wait(timeout=20) == 0
    finally:
        node.kill()
        node.wait()

    assert not is_well(admin_port)
