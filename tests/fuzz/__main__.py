"""``python -m tests.fuzz``: inputs for each target in turn, a seed a round, until the time is over."""

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial

from tests.fuzz.node import NAME, run_node
from tests.fuzz.target import run
from tests.fuzz.targets import TARGETS
from tests.progress import say

EXAMPLES = 2000
"""Of each target in a round. A seed stands for so many: another number would make other inputs of it."""
Round = Callable[[int, int], None]
"""Takes a number of inputs and a seed, and raises what it finds."""
ROUNDS: Mapping[str, Round] = {target.name: partial(run, target) for target in TARGETS} | {NAME: run_node}


def main() -> int:
    """Exit status 1 where a target has failed; it is then left out of further rounds."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="begin no further target after so long (300)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count up (1)")
    parser.add_argument("--rounds", type=int, default=sys.maxsize, help="how many at most")
    parser.add_argument("--target", choices=ROUNDS, help="only this one")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    left = [name for name in ROUNDS if arguments.target in (None, name)]
    start = time.monotonic()
    failed = tried = 0
    for seed in range(arguments.seed, arguments.seed + min(arguments.rounds, 2**31)):
        for name in tuple(left):
            if time.monotonic() - start > arguments.seconds:
                break
            if _holds(name, seed):
                tried += EXAMPLES
            else:
                failed += 1
                left.remove(name)
        else:
            say(f"seed {seed}: {tried} inputs, {failed} targets failed, {time.monotonic() - start:.0f} s")
            if left:
                continue
        break
    say(f"{tried} inputs from seed {arguments.seed}, {failed} targets failed")
    return bool(failed)


def _holds(name: str, seed: int) -> bool:
    try:
        ROUNDS[name](EXAMPLES, seed)
    except Exception:  # noqa: BLE001 - whatever a target raises is what is looked for
        say(traceback.format_exc())
        again = f"--seed {seed} --rounds 1 --target '{name}'"
        say(f"FAILED: {name}; again: python -m tests.fuzz {again}")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
