"""What a local cluster is to be."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.child import CODE


def own_environment() -> dict[str, str]:
    """Our environment without the settings of this product and of the load generator."""
    foreign = ("GATEWAY_", "SUBJECT_", "LOADTEST_", "LOCUST_", "NODE_ID", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start.

    `redis_url`, `upstream_url`: a server that runs already; None starts one. `node_redis_url`: where nodes
    find it, if another way leads there. `node_environment` goes before `environment`, what the processes
    inherit, and `environments_by_node` (by its id, node-1 and so on) before both.
    `code`: where nodes' modules are, if not where ours are.
    `working_folder`: where relative paths in settings start, and a gateway.toml is looked for; None stands
    for an empty one.
    """

    nodes: int = 3
    redis_url: str | None = None
    upstream_url: str | None = None
    node_redis_url: str | None = None
    node_environment: Mapping[str, str] = field(default_factory=dict)
    environments_by_node: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=own_environment)
    code: Path = CODE
    working_folder: Path | None = None
