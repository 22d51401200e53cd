"""Standard input, output and error as a command needs them, in whatever state it was given them."""

import io
import os
import sys
from contextlib import suppress


def prepare() -> None:
    """Closed ones lead nowhere; what cannot be written becomes its escape, what is no text is read as one.

    Python has None for a stream that is closed. Its number would be that of the next file or connection.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            _lead_nowhere(number)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - it is for the whole process
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def drop_output() -> None:
    """Lest Python complains once more when it closes standard output."""
    with suppress(OSError, ValueError):
        _lead_nowhere(sys.stdout.fileno())
