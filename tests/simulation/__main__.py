"""What one Redis bears, what clients and nodes cost it, and a simulated cluster of a hundred nodes before it.

It prints what it finds as it goes, and exits 1 if a window was too full, or the subject missed something or
told of something that was not. All of it takes some minutes of one processor.
"""

import argparse
import logging
import sys
from pathlib import Path

from loadtest.figure_tables import Place
from tests.progress import say
from tests.simulation.sections import SECTIONS


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        choices=SECTIONS,
        metavar="SECTION",
        help=f"of {', '.join(SECTIONS)}; all if none",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes for what is simulated (1)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # nodes say in their logs what is simulated
    failures: list[str] = []
    for name in options.sections or SECTIONS:
        section = SECTIONS[name](options.jobs)
        say(f"{name}\n\n{section.text}")
        failures += section.failures
        if options.write:
            Place(options.write, section.name).write([section.text])
    for failure in failures:
        say(f"FAIL {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
