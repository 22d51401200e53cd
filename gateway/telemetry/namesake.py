"""Another gateway that writes under this node's id: its log says so, as both look like one to all others."""

import logging
from dataclasses import dataclass

from gateway.contract.records import RecordError, decode

_LOOKS = 3
"""In a row; whom this node replaces may write once more as it leaves."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LastBoot:
    boot_id: str


@dataclass(frozen=True, slots=True)
class _Writer:
    """What of a `RosterEntry` says who wrote it; to read only this is much quicker."""

    address: str
    last: _LastBoot


class Namesake:
    """Looks at what stands in the roster under an id, where this boot has written before."""

    def __init__(self, node_id: str, boot_id: str) -> None:
        self._node_id = node_id
        self._boot_id = boot_id
        self._looks = 0
        self._told = ""

    def look(self, text: str | bytes | None) -> None:
        """Once a second; that another boot stands there again and again is told once of each."""
        writer = None if text is None else _read(text)
        other = "" if writer is None else writer.last.boot_id
        self._looks = self._looks + 1 if other not in ("", self._boot_id) else 0
        if writer is not None and self._looks >= _LOOKS and other != self._told:
            self._told = other
            logger.warning(
                "another gateway writes as %s (at %s, boot %s; this is boot %s): each hides the other's "
                "counts, so give each a NODE_ID of its own",
                self._node_id,
                writer.address,
                other,
                self._boot_id,
            )


def _read(text: str | bytes) -> _Writer | None:
    try:
        return decode(_Writer, text)
    except RecordError:
        return None  # written by something else, which the subject tells
