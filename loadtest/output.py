"""Where a command's output goes: standard streams, a console, and a folder for files."""

import io
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from loadtest.child import StartError

WIDTH = 160
"""Where what is printed goes to no terminal, as in a CI."""

_NO_SIGN = "\N{REPLACEMENT CHARACTER}"
_COLUMNS_AT_MOST = 4  # digits
_LEAST_COLUMNS = 20


def prepare_streams() -> None:
    """Closed ones lead nowhere, and what has no sign in a stream's encoding is written as its escape.

    Python has None for a stream that is closed. Its number would be that of the next file or connection.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - it is for the whole process
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """Without what draws colours or titles: names come from others' Redis. Ends of lines stay."""
    return "".join(one if one.isprintable() or one == "\n" else _NO_SIGN for one in text)


class PrintableConsole(Console):
    """A console that draws each text as it is, be there brackets or signs for a terminal in it."""

    def __init__(self, **options: Any) -> None:
        """`options` are Rich's. COLUMNS counts where it is a width."""
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        columns = os.environ.get("COLUMNS", "")
        if columns.isdecimal() and len(columns) <= _COLUMNS_AT_MOST and int(columns) >= _LEAST_COLUMNS:
            environment["COLUMNS"] = columns
        super().__init__(highlight=False, markup=False, emoji=False, _environ=environment, **options)

    def on_broken_pipe(self) -> None:
        """As anything else that is printed to nobody; Rich's ends the process, as if a verdict had failed."""
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich's, which draws all through this."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def console(*, to_stderr: bool = False) -> Console:
    """One for people, on standard output or, where that is a program's, on standard error."""
    is_terminal = (sys.stderr if to_stderr else sys.stdout).isatty()
    return PrintableConsole(stderr=to_stderr, width=None if is_terminal else WIDTH)


def write(path: Path, text: str) -> None:
    """Put it there as a whole; where that cannot be, what is there stays as it was.

    Raises:
        StartError: it cannot be written.
    """
    try:
        if _is_stream(path):
            path.write_text(text, encoding="utf-8")
            return
        target = path.resolve()
        draft = target.with_name(f".{secrets.token_hex(8)}.new")
        try:
            draft.write_text(text, encoding="utf-8")
            if target.exists():
                shutil.copymode(target, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None


def _is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device, as by ``/dev/stdout``: its folder may take no files."""
    return path.exists() and not path.is_file() and not path.is_dir()


def check(path: Path) -> None:
    """Before what takes long, whether its result can be written there.

    Raises:
        StartError: it cannot be.
    """
    if _is_stream(path):
        return
    target = path.resolve()
    made(target.parent, target.name)


def made(folder: Path, *files: str) -> Path:
    """The folder, which is there from now on and takes these files: better known now than at the end.

    Raises:
        StartError: it cannot be, or takes none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{folder} cannot be made: {error.strerror}") from None
    path = folder
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in filter(Path.exists, (folder / name for name in files)):
            path.open("ab").close()
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None
    return folder
