"""``python -m subject``, and the console script."""

import sys

from subject import standard_streams
from subject.cli import run


def main() -> None:
    """Run the command line and exit with its code."""
    standard_streams.prepare()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
