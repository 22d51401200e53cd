"""What one Redis bears, what clients and nodes cost it, and a simulated cluster of a hundred nodes before it.

It prints what it finds as it goes, and exits 1 if a window was too full, or the subject missed something or
told of something that was not. All of it takes some minutes of one processor.
"""

import logging
import sys

from loadtest.figure_tables import Place
from tests import sections
from tests.progress import say
from tests.simulation.sections import SECTIONS


def main() -> int:
    """The command line."""
    parser = sections.parser("tests.simulation", __doc__, list(SECTIONS))
    parser.add_argument("--jobs", type=int, default=1, help="processes for what is simulated (1)")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # nodes say in their logs what is simulated
    failures: list[str] = []
    for name in options.sections or SECTIONS:
        section = SECTIONS[name](options.jobs)
        say(f"{name}\n\n{section.text}")
        failures += section.failures
        if options.write:
            Place(options.write, name).write([section.text])
    return sections.exit_code(failures)


if __name__ == "__main__":
    sys.exit(main())
