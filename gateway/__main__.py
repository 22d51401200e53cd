"""``gateway``, or ``python -m gateway``."""

import signal
import sys

from gateway.workers import CHANNEL_FLAG


def main() -> int:
    """Run the command line and return its exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # asked to reload before it can, a node must not end
    if sys.argv[-1].startswith(CHANNEL_FLAG):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all, and a worker hears of it
    try:
        from gateway import cli  # what takes the time of a start
    except ModuleNotFoundError as error:
        sys.stderr.write(f"gateway: {error.name} is missing: make setup, or pip install ., brings it\n")
        return 3
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
