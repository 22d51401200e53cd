"""The `loadtest` command."""

import os
import signal
import sys

INTERRUPTED = 130
"""The exit code of a command that SIGINT ended."""


def main() -> int:
    """Run the command line and return its exit code."""
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        # What is raised in the middle of an import may be lost. Nothing is begun yet.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        from loadtest import cli, output  # what takes the time of a start
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"loadtest: {error.name} is missing: make setup, or pip install .[loadtest], brings it\n"
        )
        return 3
    try:
        if raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        output.prepare_streams()
        return cli.run(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
