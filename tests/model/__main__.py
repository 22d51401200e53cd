"""``python -m tests.model``: many simulated schedules, or one of them in every detail."""

import argparse
import logging
import sys
import time

from tests.model.explore import in_processes
from tests.model.invariants import breaches
from tests.model.schedule import FAMILIES, scenario
from tests.model.simulation import run
from tests.model.trace import lines
from tests.progress import say

_TELL_SECONDS = 10.0


def main() -> int:
    """Exit status 1 where an invariant is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the others count up (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--family", choices=sorted(FAMILIES), help="only scenarios of this kind")
    parser.add_argument("--replay", type=int, metavar="SEED", help="show one schedule step by step")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.family)
    return _explore(arguments)


def _replay(seed: int, family: str | None) -> int:
    record = run(scenario(seed, family))
    for line in lines(record):
        say(line)
    found = breaches(record)
    for breach in found:
        say(f"BROKEN: {breach}")
    say(f"digest {record.digest()}")
    return bool(found)


def _explore(arguments: argparse.Namespace) -> int:
    start = told = time.monotonic()
    done = failed = 0
    for count, failures in in_processes(
        arguments.seed, arguments.schedules, arguments.jobs, arguments.family
    ):
        done += count
        failed += len(failures)
        for failure in failures:
            say(str(failure))
        now = time.monotonic()
        if now - told > _TELL_SECONDS:
            told = now
            say(f"{done} schedules, {failed} failed, {done / (now - start):.0f} a second")
        if now - start > arguments.seconds:
            break
    say(f"{done} schedules from seed {arguments.seed}, {failed} failed, {time.monotonic() - start:.0f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
