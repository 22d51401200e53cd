"""A Debian with systemd, Redis and our units, tried: python -m tests.deployment.rehearse_units FOLDER

It needs root, debootstrap and systemd-container, and takes some minutes; the Debian is kept in FOLDER.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deployment import debian
from tests.deployment.units import UNITS
from tests.project import ROOT

LONGEST_SECONDS = 400
HOME = "opt/operator-ratelimiter"
TRIAL = """
[Unit]
After=ratelimiter-gateway.service ratelimiter-subject.service redis-server.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=300
ExecStart=/trial.sh
StandardOutput=file:/result
StandardError=file:/result
"""
SECRETS = {
    "gateway-redis-url": "redis://127.0.0.1:6379/0",
    "subject-redis-url": "redis://127.0.0.1:6379/0",
    "identity-secret": "of the rehearsal",
    "subject-token": "0123456789abcdef",
}


def furnish(root: Path) -> None:
    """As docs/how-to/systemd.md says, in the machine's folder."""
    home, etc = root / HOME, root / "etc/ratelimiter"
    for folder in (home, etc):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    wheels = home / "wheels"
    debian.run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels)
    shutil.copy(ROOT / "requirements.txt", home)
    pip = f"/{HOME}/.venv/bin/pip"
    debian.run("chroot", root, "python3", "-m", "venv", f"/{HOME}/.venv")
    debian.run("chroot", root, pip, "install", "-q", "--require-hashes", "-r", f"/{HOME}/requirements.txt")
    (wheel,) = wheels.glob("*.whl")
    debian.run(
        "chroot", root, pip, "install", "-q", "--no-deps", "--no-index", f"/{HOME}/wheels/{wheel.name}"
    )

    (etc / "secrets").mkdir(mode=0o700)
    for name, secret in SECRETS.items():
        (etc / "secrets" / name).write_text(f"{secret}\n")
    (etc / "gateway.toml").write_text('upstream_url = "http://127.0.0.1:9"\nworkers = 2\n')
    (etc / "subject.env").write_text("SUBJECT_NODES=127.0.0.1:9080\n")
    system = root / "etc/systemd/system"
    for unit in UNITS.values():
        shutil.copy(ROOT / "systemd" / unit, system)
    (system / "trial.service").write_text(TRIAL)
    for unit in (*UNITS.values(), "trial.service"):
        link = system / "multi-user.target.wants" / unit
        link.unlink(missing_ok=True)
        link.symlink_to(f"/etc/systemd/system/{unit}")
    shutil.copy(Path(__file__).with_name("in_the_machine.sh"), root / "trial.sh")
    (root / "trial.sh").chmod(0o755)
    (root / "result").unlink(missing_ok=True)


def main() -> int:
    """0 where all went as it should."""
    packages = ("systemd", "systemd-sysv", "dbus", "redis-server", "curl")
    root = debian.make(Path(sys.argv[1]).absolute() / "machine", *packages)
    furnish(root)
    machine = ["systemd-nspawn", "-D", str(root), "--boot", "--private-network", "--link-journal=no"]
    alone = ["unshare", "--mount", "--propagation=private", *machine, "--register=no", "--keep-unit"]
    subprocess.run(
        alone,
        env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    result = (root / "result").read_text()
    sys.stdout.write(result)
    return 0 if result.endswith("END\n") else 1


if __name__ == "__main__":
    sys.exit(main())
