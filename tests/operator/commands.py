"""How long a person waits for a command, from its start to its end."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from statistics import median

from tests.finding import Finding, Findings

MOST_SECONDS = {("diagnose",): 1.0, ("diagnose", "--since", "10m"): 5.0}
"""What each command may take."""


async def waited(redis_url: str, arguments: Sequence[str]) -> float:
    """Seconds of one run.

    Raises:
        RuntimeError: it did not find that all is well, so it was another work that was measured.
    """
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", *arguments),
        env={**os.environ, "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    spent = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"subject {' '.join(arguments)} ended with {process.returncode}: {out.decode()}")
    return spent


async def measure(redis_url: str, rounds: int) -> Findings:
    """The median of some runs of each."""
    findings = []
    for arguments, most in MOST_SECONDS.items():
        spent = [await waited(redis_url, arguments) for _ in range(rounds)]
        what = f"`subject {' '.join(arguments)}`, from its start to its end"
        findings.append(Finding(what, median(spent), most, " s", 2))
    return findings
