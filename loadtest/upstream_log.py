"""The upstream's log: what arrived when, a line of JSON each.

``at`` seconds since 1970, ``node`` from the Via header (null without), ``key`` SHA-256 of the API key in hex
(null without), ``target`` as it stood in the request line.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from urllib.parse import parse_qs, urlsplit

from gateway.contract.client_id import key_digest
from loadtest.passages import Passage

FLUSH_SECONDS = 0.1
_LAST_HOP = re.compile(r"(?:^|,)\s*\S+\s+([^\s,]+)[^,]*$")


def line(at: float, node: str | None, key: str | None, target: str) -> str:
    """One request's."""
    return json.dumps({"at": at, "node": node, "key": key, "target": target}) + "\n"


@dataclass(slots=True)
class UpstreamLog:
    """Lines wait in memory for the next flush, so that no answer waits for the disk. `file` has no buffer.

    What cannot be written is lost, as whole lines, and is told of once.
    """

    file: FileIO
    tell: Callable[[str], None]
    _is_told: bool = False
    _lines: list[str] = field(default_factory=list)

    def note(self, at: float, via: str | None, key: str | None, target: str) -> None:
        """Note a request."""
        hop = _LAST_HOP.search(via or "")
        digest = None if key is None else key_digest(key)
        self._lines.append(line(at, hop[1] if hop else None, digest, target))

    def flush(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        rest = memoryview("".join(lines).encode())
        size = os.fstat(self.file.fileno()).st_size
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError as error:
            with suppress(OSError):  # a pipe has no size
                self.file.truncate(size)
            if not self._is_told:
                self.tell(f"{error.strerror}: requests from here on are missing in it")
            self._is_told = True

    async def flush_now_and_then(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.flush()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the load generator: when it was sent and arrived, by which node, and of whose key."""

    sent: float  # seconds since 1970
    at: float
    node: str | None
    key: str


def arrivals(lines: Iterable[str]) -> Iterator[Arrival]:
    """The requests of the load generator: those with an API key, and the time of sending in their target."""
    for line in lines:
        record = json.loads(line)
        sent = parse_qs(urlsplit(record["target"]).query).get("sent")
        if record["key"] is not None and sent is not None:
            yield Arrival(float(sent[0]), record["at"], record["node"], record["key"])


def passages(lines: Iterable[str]) -> Iterator[Passage]:
    """The same, as limits are judged by them."""
    for one in arrivals(lines):
        yield Passage(one.sent, one.at, one.key)
