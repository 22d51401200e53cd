"""``python -m subject``, and the console script."""

import gc
import sys

from subject import standard_streams
from subject.cli import run

COLLECTED_EACH = 50_000
"""Objects more than before, until those that hold each other are looked for. Records hold none, and are many:
each 700, as is usual, it took nearly half of the time in which thousands of them are read."""


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(COLLECTED_EACH)
    standard_streams.prepare()
    try:
        code = run(sys.argv[1:])
    except ModuleNotFoundError as error:  # each command imports what it needs
        sys.stderr.write(f"subject: {error.name} is missing: make setup, or pip install ., brings it\n")
        sys.exit(3)
    gc.freeze()  # else Python looks through all that is left before it ends: it took a twelfth of a command
    sys.exit(code)


if __name__ == "__main__":
    main()
