"""What the figures were measured on."""

import asyncio
import os
import platform
import re
import subprocess
import time
from pathlib import Path

from loadtest import redis_server

CPUINFO = Path("/proc/cpuinfo")
LOOK_SECONDS = 0.5
IDLE, IO_WAIT, STEAL = 3, 4, 7
"""Columns of the first line of /proc/stat. What guests of this machine take stands in `user` already."""


def described() -> dict[str, str]:
    """By name, what there is to say of it."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": processor(CPUINFO),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "redis": _redis(),
    }


def processor(cpuinfo: Path) -> str:
    """Its name, where Linux tells one in this file, else its kind."""
    try:
        told = cpuinfo.read_text()
    except OSError:  # as on macOS
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found[1] if found else platform.machine()


def in_words() -> str:
    """The same, as a page of the documentation says it before figures."""
    on = described()
    return (
        f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores, {on['kernel']}, Python "
        f"{on['python']}, {on['redis']}"
    )


def _stat() -> str:
    return Path("/proc/stat").read_text()


def _redis() -> str:
    """As it calls itself: Redis or Valkey, and its version."""
    command = [str(redis_server.find_binary()), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.match(r"(\w+) server v=([\d.]+)", said)
    return f"{found[1]} {found[2]}" if found else "Redis"


async def busy() -> float:
    """The share of its processor time that this machine spends at present, on whatever."""
    before = _stat()
    await asyncio.sleep(LOOK_SECONDS)
    return busy_share(before, _stat())


def busy_share(before: str, after: str) -> float:
    """The same between two readings of /proc/stat; what other guests of the host took is spent too."""
    first, second = (
        [int(ticks) for ticks in text.splitlines()[0].split()[1 : STEAL + 2]] for text in (before, after)
    )
    spent = [now - then for then, now in zip(first, second, strict=True)]
    return 1 - (spent[IDLE] + spent[IO_WAIT]) / sum(spent) if any(spent) else 0.0
