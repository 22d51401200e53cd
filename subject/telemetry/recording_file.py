"""The file of a recording: lines of text, perhaps compressed, and no more than can be read again."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import BinaryIO, Self, cast

from subject.errors import FileError, UsageError
from subject.telemetry.recording import LOOK

MOST_BYTES = 200_000_000
"""As many are written, uncompressed."""
LONGEST_LINE = 64_000_000
GZIP, GZIP_MAGIC = ".gz", b"\x1f\x8b"


class Output:
    """A new file that only its owner may read, compressed where its name ends in ``.gz``.

    Where it cannot be written to its end, what it has so far can be replayed; if that is nothing, it goes.

    Raises:
        UsageError: it cannot be made, for example since it is there already.
        FileError: there is no room for what is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = 0
        try:
            self._plain = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except FileExistsError:
            raise UsageError(f"{path} is there already: name another file") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be written: {_reason(error)}") from None
        self._file: BinaryIO = self._plain
        if path.suffix == GZIP:
            self._file = cast(BinaryIO, gzip.GzipFile(fileobj=self._plain, mode="wb"))

    @property
    def full(self) -> bool:
        """Whether no more is written."""
        return self._written >= MOST_BYTES

    @property
    def size_bytes(self) -> int:
        """Of the file as it is; of all that was written when it is closed."""
        return self.path.stat().st_size

    def write(self, lines: Iterable[str]) -> None:
        """Write lines, as many as there is room for."""
        for text in lines:
            if self.full:
                return
            try:
                self._written += self._file.write(text.encode())
            except OSError as error:
                raise self._failed(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            self._plain.close()
        except OSError as failure:
            if not isinstance(error, FileError):
                raise self._failed(failure) from None

    def _failed(self, error: OSError) -> FileError:
        for file in (self._file, self._plain):
            with suppress(OSError, ValueError):  # of what did not fit, or behind one that is closed
                file.close()
        reason = f"{self.path} cannot be written: {_reason(error)}"
        if any(text.startswith(f'{{"{LOOK}":') for text in lines_of(self.path)):
            return FileError(f"{reason}. What it has is shown by: subject replay {quote(str(self.path))}")
        self.path.unlink(missing_ok=True)
        return FileError(f"{reason}. It had no look yet, and is gone")


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file. One without its end, whose writer was interrupted, is left out.

    Raises:
        UsageError: it cannot be read, or is longer than what is ever written.
    """
    try:
        with path.open("rb") as plain:
            compressed = plain.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)  # a pipe could not go back
            yield from _lines(path, cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if compressed else plain)
    except UsageError:
        raise
    except EOFError:
        return  # a compressed file that was cut off
    except (OSError, ValueError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {_reason(error)}") from None


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    read = 0
    while line := file.readline(LONGEST_LINE):
        read += len(line)
        if read > MOST_BYTES + LONGEST_LINE:
            raise UsageError(f"{path} is no recording: those have {MOST_BYTES // 1_000_000} MB at most")
        if line.endswith(b"\n"):
            yield line.decode()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
