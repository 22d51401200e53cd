"""What docker/secrets.sh makes."""

import shutil
import subprocess
from pathlib import Path

from tests.project import ROOT

SECRETS = "docker/secrets"
ONLY_ITS_OWNERS = {"ca.key", "redis-admin-password"}
"""They are mounted nowhere."""


def make(folder: Path, *names: str) -> Path:
    """All of it, in a copy of docker/ in `folder`; `names` go into the nodes' certificate."""
    docker = folder / "docker"
    docker.mkdir()
    for name in ("secrets.sh", "users.acl"):
        shutil.copy(ROOT / "docker" / name, docker)
    command = ["sh", str(docker / "secrets.sh"), *names]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return docker / "secrets"
