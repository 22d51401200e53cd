"""How long a person waits for a command, from its start to its end, and what of that is its own work."""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from subject.exit_codes import FOUND, WELL
from tests.finding import Finding, Findings

MOST_SECONDS = {("diagnose",): 1.0, ("diagnose", "--since", "10m"): 5.0}
"""What each command may take."""
PATIENT = {"SUBJECT_NODE_DOWN_SECONDS": "60"}
"""A busy machine is not to look like dead nodes, of which there is more to say."""


@dataclass(frozen=True)
class Spent:
    """Seconds of one run: that went by, and of the processor."""

    waited: float
    worked: float


def _of_children() -> float:
    """Processor seconds of those that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def spend(redis_url: str, arguments: Sequence[str]) -> Spent:
    """One run.

    Raises:
        RuntimeError: it did not look.
    """
    worked, started = _of_children(), time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", *arguments),
        env={**os.environ, **PATIENT, "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode not in (WELL, FOUND):
        raise RuntimeError(f"subject {' '.join(arguments)} ended with {process.returncode}: {out.decode()}")
    return Spent(time.perf_counter() - started, _of_children() - worked)


async def measure(redis_url: str, rounds: int) -> Findings:
    """The medians of some runs of each."""
    findings = []
    for arguments, most in MOST_SECONDS.items():
        spent = [await spend(redis_url, arguments) for _ in range(rounds)]
        worked = median(one.worked for one in spent)
        what = f"`subject {' '.join(arguments)}`, from its start to its end ({worked:.2f} s of the processor)"
        findings.append(Finding(what, median(one.waited for one in spent), most, " s", 2))
    return findings
