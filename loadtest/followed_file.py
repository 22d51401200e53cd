"""A file of one record in JSON, which one process replaces now and then, and another follows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from gateway.contract.records import decode, encode

Record = TypeVar("Record")


def replace(path: Path, record: Any) -> None:
    """Put this record there in one step: a reader finds the one of before or this."""
    draft = path.with_suffix(".new")
    draft.write_text(encode(record))
    draft.replace(path)


@dataclass(slots=True)
class FollowedFile(Generic[Record]):
    """Such a file as its reader sees it."""

    path: Path
    kind: type[Record]
    _stamp: int = 0

    def news(self) -> Record | None:
        """The record, if it is another one than last time; None where it is not, or there is none yet."""
        if not self.path.exists():
            return None
        stamp = self.path.stat().st_mtime_ns
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        return decode(self.kind, self.path.read_bytes())
