"""A small Debian in a folder, for rehearsals: by debootstrap, from where this machine has its packages."""

import re
import shutil
import subprocess
from pathlib import Path

SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
SUITE = "trixie"
OF_THIS_MACHINE = ("/etc/pip.conf", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", str(SOURCES))
"""How packages are come by here; an image of Docker's would not hold them."""


def run(*command: str | Path) -> str:
    """Do it; what it says.

    Raises:
        SystemExit: it failed; its words are the message.
    """
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def make(root: Path, *packages: str) -> Path:
    """With these packages and Python; what is there from before is taken as it is."""
    done = root / ".done"
    if done.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    (mirror,) = re.findall(r"^URIs: (.*)$", SOURCES.read_text(), re.MULTILINE)[:1]
    included = ",".join(["ca-certificates", "netbase", "python3", "python3-venv", *packages])
    run("debootstrap", "--variant=minbase", f"--include={included}", SUITE, root, mirror)
    for path in map(Path, OF_THIS_MACHINE):
        if path.exists():
            shutil.copy(path, root / path.relative_to("/"))
    (root / "etc/apt/sources.list").write_text("")
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    done.touch()
    return root
