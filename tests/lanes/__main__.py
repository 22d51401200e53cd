"""``python -m tests.lanes``: the same cases to two nodes that differ in nothing but the lane."""

import argparse
import sys
import time

from tests.lanes.explore import Tally, explored, in_processes
from tests.lanes.making import CASES_A_ROUND
from tests.progress import say

_TELL_SECONDS = 10.0


def main() -> int:
    """Exit status 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many, at least (20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count up (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--replay", type=int, metavar="SEED", help="only the round of this seed")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        tally = explored([arguments.replay])
        say("\n".join([*tally.failures, str(tally)]))
        return bool(tally.failures)
    return _explore(arguments)


def _explore(arguments: argparse.Namespace) -> int:
    start = told = time.monotonic()
    tally = Tally()
    rounds = -(-arguments.cases // CASES_A_ROUND)
    for part in in_processes(arguments.seed, rounds, arguments.jobs):
        tally.add(part)
        for failure in part.failures:
            say(failure)
        now = time.monotonic()
        if now - told > _TELL_SECONDS:
            told = now
            say(f"{tally}, {tally.cases / (now - start):.0f} cases a second")
        if now - start > arguments.seconds:
            break
    say(f"{tally}, from seed {arguments.seed}, {time.monotonic() - start:.0f} s")
    return bool(tally.failures)


if __name__ == "__main__":
    sys.exit(main())
