"""How the dummy upstream behaves: the JSON of a file that it follows while that changes."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.contract import codec

FAILURE_FIELD = "X-Dummy-Failure"
"""Stands in the answers that it fails on purpose, so that senders know whose failure it was."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Each answer comes `delay_seconds` later, and `failing_ratio` of them say 500."""

    delay_seconds: float = 0.0
    failing_ratio: float = 0.0


@dataclass(slots=True)
class Followed:
    """What the file says; without one, and until it is there, nothing is special."""

    path: Path | None
    now: Behaviour = field(default_factory=Behaviour)
    _stamp: int = 0

    def look(self) -> None:
        """Take up what is in the file if it was replaced."""
        if self.path is None or not self.path.exists():
            return
        stamp = self.path.stat().st_mtime_ns
        if stamp != self._stamp:
            self._stamp = stamp
            self.now = codec.decode(Behaviour, self.path.read_bytes())


def write(behaviour: Behaviour, path: Path) -> None:
    """Replace the file in one step."""
    draft = path.with_suffix(".new")
    draft.write_text(codec.encode(behaviour))
    draft.replace(path)
