"""What the commands of the tests say while they run."""

import sys


def say(text: str) -> None:
    """For whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
