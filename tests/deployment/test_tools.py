"""What others who read these files say: compose itself, hadolint, and systemd."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.composed import GATEWAY_VARIABLES, NODES, SERVICES, SUBJECT_VARIABLES
from tests.deployment.dockerfile import FILE, STAGES
from tests.deployment.units import UNITS
from tests.project import ROOT

MOST_EXPOSED = 1.2
"""Of 10, by systemd's own count; a node and a dashboard must have sockets, and those alone are 1.1."""

of_the_system = pytest.mark.system


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A tool's words."""
    ours = GATEWAY_VARIABLES | SUBJECT_VARIABLES
    bare = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        command, env=bare | environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def composed(*files: str) -> dict[str, Any]:
    """What compose makes of these files, which it must not warn of."""
    named = [word for file in files for word in ("-f", file)]
    told = run("docker-compose", *named, "--profile", "load", "config", "--format", "json")
    assert told.returncode == 0, told.stderr
    assert told.stderr == ""
    services: dict[str, Any] = json.loads(told.stdout)["services"]
    return services


@of_the_system
def test_compose_takes_the_file() -> None:
    services = composed("compose.yaml")

    assert services.keys() == SERVICES.keys()
    for node in NODES:
        assert services[node]["environment"]["NODE_ID"] == node
        assert services[node]["read_only"] is True
        assert services[node]["ulimits"] == {"nofile": 20000}
        assert [port["host_ip"] for port in services[node]["ports"]] == ["127.0.0.1"]


@of_the_system
def test_compose_publishes_where_it_is_asked_to() -> None:
    told = run("docker-compose", "config", "--format", "json", PUBLISH_ADDRESS="192.0.2.1")

    services = json.loads(told.stdout)["services"]
    published = {name: [p["host_ip"] for p in services[name].get("ports", ())] for name in services}
    assert {name: hosts for name, hosts in published.items() if hosts == ["192.0.2.1"]}.keys() == set(NODES)


@of_the_system
def test_compose_puts_the_hardened_file_over_it() -> None:
    plain, services = composed("compose.yaml"), composed("compose.yaml", "compose.hardened.yaml")

    assert services.keys() == plain.keys()
    assert services["redis"]["command"] == ["redis-server", "/etc/redis-hardened.conf"]
    mounts = {volume["target"] for volume in services["redis"]["volumes"]}
    assert mounts == {"/etc/redis.conf", "/etc/redis-hardened.conf", "/data"}
    assert services["redis"]["healthcheck"]["interval"] == plain["redis"]["healthcheck"]["interval"]
    for node in NODES:
        assert services[node]["environment"].keys() >= plain[node]["environment"].keys()
        assert services[node]["environment"]["REDIS_URL"] == ""
        assert services[node]["environment"]["NODE_ID"] == node
        assert len(services[node]["secrets"]) == 5
        assert services[node]["ports"] == plain[node]["ports"]
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@of_the_system
def test_compose_takes_what_the_docs_put_over_it(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/docker.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (line,) = re.findall(r"`(services: .*)` in `compose.override.yaml`", page)
    (tmp_path / "block.yaml").write_text(block)
    (tmp_path / "line.yaml").write_text(line)

    services = composed("compose.yaml", str(tmp_path / "block.yaml"), str(tmp_path / "line.yaml"))

    for node in NODES:
        given = services[node]["environment"]
        assert given.keys() <= GATEWAY_VARIABLES
        assert given["GATEWAY_CLIENTS_FILE"] == "clients.toml"
        grace_seconds = float(services[node]["stop_grace_period"].removesuffix("s"))
        assert grace_seconds >= int(given["GATEWAY_DRAIN_DELAY"]) + 30 + 5
        assert [volume["target"] for volume in services[node]["volumes"]] == [
            STAGES["runtime"].all("WORKDIR")[0]
        ]
    assert services["redis"]["networks"].keys() == {"default", "store"}
    assert [port["host_ip"] for port in services["redis"]["ports"]] == ["127.0.0.1"]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    told = run(str(Path(sys.executable).with_name("hadolint")), "--no-color", str(FILE))

    assert (told.returncode, told.stdout) == (0, "")


@of_the_system
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    commands = str(Path(sys.executable).parent)
    text = (ROOT / "systemd" / UNITS[name]).read_text()
    unit = tmp_path / UNITS[name]
    unit.write_text(text.replace("/opt/operator-ratelimiter/.venv/bin", commands))

    told = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit))

    assert (told.returncode, told.stderr) == (0, "")


@of_the_system
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_exposes_little(name: str) -> None:
    unit = str(ROOT / "systemd" / UNITS[name])
    threshold = f"--threshold={int(10 * MOST_EXPOSED)}"

    told = run("systemd-analyze", "security", "--no-pager", "--offline=true", threshold, unit)

    assert told.returncode == 0, told.stdout
    (exposed,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert float(exposed) <= MOST_EXPOSED
