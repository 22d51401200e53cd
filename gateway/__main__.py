"""``gateway``, or ``python -m gateway``."""

import signal
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # asked to reload before it can, a node must not end
    from gateway import cli  # what takes the time of a start

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
