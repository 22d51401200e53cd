"""HAProxy with a stick table: counts in its own memory."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from loadtest.bench.peers import configured
from loadtest.bench.peers.peer import Peer


def _binary() -> str | None:
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def _command(file: Path) -> list[str]:
    return [str(_binary()), "-db", "-f", str(file)]


def _version() -> str:
    said = subprocess.run([str(_binary()), "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version ([\d.]+)", said)
    return f"HAProxy {found[1] if found else '?'}"


HAPROXY = Peer(
    "haproxy",
    "HAProxy, stick table, no Redis",
    version=_version,
    missing=lambda: None if _binary() else "apt-get install haproxy",
    running=lambda place: configured.running(place, "haproxy.cfg", _command),
)
