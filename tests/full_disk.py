"""A disk without room, as a process meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from resource import RLIMIT_FSIZE, getrlimit, setrlimit


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process, or of one that it starts meanwhile, grows beyond so many bytes."""
    usual, most = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, (usual, most))
