"""compose.yaml and what compose.hardened.yaml puts over it, read."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import gateway.config.report
import gateway.config.settings as node_settings
import subject.settings
from tests.deployment.dockerfile import image_environment
from tests.project import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
HARDENED: dict[str, Any] = yaml.safe_load((ROOT / "compose.hardened.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODES = ("node-1", "node-2", "node-3")
GATEWAY_VARIABLES = {node_settings.variable(name) for name in node_settings.Settings.model_fields}
SUBJECT_VARIABLES = {subject.settings.variable(name) for name in subject.settings.Settings.model_fields}
CREDENTIALS = Path("/run/secrets")


def filled(text: object) -> str:
    """With the defaults of ${…}, as where the operator's own environment is empty."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(text))


def environment(service: str, *, hardened: bool = False) -> dict[str, str]:
    """What a service's process is given."""
    given = SERVICES[service].get("environment", {})
    if hardened:
        given = given | HARDENED["services"].get(service, {}).get("environment", {})
    image = image_environment(SERVICES[service]["build"]["target"])
    return image | {name: filled(value) for name, value in given.items()}


def settings_of(
    node: str, monkeypatch: pytest.MonkeyPatch, folder: Path, **more: str
) -> node_settings.Settings:
    """A node's settings as it would load them in its container; `more` variables go before."""
    monkeypatch.chdir(folder)
    for name in GATEWAY_VARIABLES & os.environ.keys():
        monkeypatch.delenv(name)
    for name, value in (environment(node) | more).items():
        if name in {*GATEWAY_VARIABLES, node_settings.CREDENTIALS}:
            monkeypatch.setenv(name, value)
    return gateway.config.report.load({})


def megabytes(text: str) -> int:
    """Of 512M, or 1G; Kubernetes and systemd write almost the same."""
    number, unit = re.fullmatch(r"(\d+)([MG])i?", text).groups()  # type: ignore[union-attr] # a test fails then
    return int(number) * (1024 if unit == "G" else 1)


def most_megabytes(connections: int, upstream_connections: int) -> int:
    """What a node can take by docs/how-to/internet.md, "Many clients".

    Most of its connections wait, with 6 kB each, and those for which an upstream has a place are stuck in an
    answer that nobody takes, with 0.6 MB each.
    """
    return 100 + connections * 6 // 1000 + min(connections, upstream_connections) * 6 // 10


def host_files(service: str, roots: dict[str, Path]) -> dict[str, Path]:
    """What both mount into a service, by its path there; `roots` leads folders of the host elsewhere."""
    found = {}
    more = HARDENED["services"].get(service, {})
    for volume in (*SERVICES[service].get("volumes", ()), *more.get("volumes", ())):
        source, target = volume.split(":")[:2]
        if source.startswith("./"):
            found[target] = ROOT / source
    for secret in more.get("secrets", ()):
        name, target = (secret, secret) if isinstance(secret, str) else (secret["source"], secret["target"])
        found[str(CREDENTIALS / target)] = ROOT / HARDENED["secrets"][name]["file"]
    return {target: _moved(path, roots) for target, path in found.items()}


def _moved(path: Path, roots: dict[str, Path]) -> Path:
    for prefix, folder in roots.items():
        if path.is_relative_to(ROOT / prefix):
            return folder / path.relative_to(ROOT / prefix)
    return path
