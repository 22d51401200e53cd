"""HAProxy with a stick table: counts in its own memory."""

import os
import re
import shutil
import subprocess
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from string import Template

from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, serving
from loadtest.child import start
from loadtest.ports import free_port


def _binary() -> str | None:
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def _version() -> str:
    said = subprocess.run([str(_binary()), "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version ([\d.]+)", said)
    return f"HAProxy {found[1] if found else '?'}"


def _running(place: Place) -> AbstractAsyncContextManager[Running]:
    port = free_port()
    file = place.folder / "haproxy.cfg"
    template = Template(Path(__file__).with_name("haproxy.cfg").read_text())
    file.write_text(
        template.substitute(
            port=port, upstream_port=place.upstream_port, limit=place.limit, window_seconds=WINDOW_SECONDS
        )
    )
    child = start(
        str(_binary()),
        *("-db", "-f", str(file)),
        name="haproxy",
        environment=place.environment,
        folder=place.folder,
        working_folder=place.folder,
    )
    return serving(child, port)


HAPROXY = Peer(
    "haproxy",
    "HAProxy, stick table, no Redis",
    version=_version,
    missing=lambda: None if _binary() else "apt-get install haproxy",
    running=_running,
)
