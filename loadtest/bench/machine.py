"""What the figures were measured on."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from loadtest import redis_server


def described() -> dict[str, str]:
    """By name, what there is to say of it."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": found[1] if found else platform.machine(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "redis": _redis(),
    }


def _redis() -> str:
    """As it calls itself: Redis or Valkey, and its version."""
    command = [str(redis_server.find_binary()), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.match(r"(\w+) server v=([\d.]+)", said)
    return f"{found[1]} {found[2]}" if found else "Redis"
