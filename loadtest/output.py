"""Where a command's output goes: a console, and a folder for files."""

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from loadtest.child import StartError

WIDTH = 160
"""Where what is printed goes to no terminal, as in a CI."""


def console(*, to_stderr: bool = False) -> Console:
    """One for people, on standard output or, where that is a program's, on standard error."""
    is_terminal = (sys.stderr if to_stderr else sys.stdout).isatty()
    return Console(stderr=to_stderr, highlight=False, width=None if is_terminal else WIDTH)


def made(folder: Path, *files: str) -> Path:
    """The folder, which is there from now on and takes these files: better known now than at the end.

    Raises:
        StartError: it cannot be, or takes none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{folder} cannot be made: {error.strerror}") from None
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        for file in filter(Path.exists, (folder / name for name in files)):
            file.open("ab").close()
    except OSError as error:
        raise StartError(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    return folder
