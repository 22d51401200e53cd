"""Live changes, in the overrides hash: a client's limit, and the generation of its keys.

Two fields a client, so that both kinds of change are one atomic command each: ``limit:<client>`` holds an
`Override` (HSET, HDEL), ``generation:<client>`` an integer (HINCRBY). A reset raises the generation: the
client's counters start again under new keys, and what is still under way for the old ones harms nobody.

The field ``version`` is raised after each change (HINCRBY), and then the change is announced on the channel
`keys.CHANGES`. So whoever has read the hash at a version has all changes up to it; a writer that dies before
it raises the version has made a change that readers find when they next read the whole hash.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.contract import client_id
from gateway.contract.limits import Limits
from gateway.contract.records import RecordError, decode

LIMIT_FIELD = "limit:"
GENERATION_FIELD = "generation:"
VERSION_FIELD = "version"
POLL_SECONDS = 0.5
MAX_RECORDS = 10_000
"""As many limits and generations are written. docs/redis-schema.md says what so many cost a node."""
MAX_READ = 2 * MAX_RECORDS
"""As many fields are read: writers that do not know of each other may go beyond `MAX_RECORDS` by some."""
MAX_TEXT = 4096
"""Characters of a field's text that may be a record."""
MAX_WHY = 300
MAX_BY = 64
"""Characters of an override's texts: also where all are written as escapes, it keeps to `MAX_TEXT`."""

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Override:
    """A client's limit for now: goes before its own, its plan's and the default."""

    limit: Limits
    by: str
    at: float  # seconds since 1970, by Redis' clock
    why: str | None = None
    until: float | None = None  # by Redis' clock too; None: until it is taken away

    def holds(self, at: float) -> bool:
        """Whether it is in force at `at`. One that has ended needs nobody to take it away."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Overrides:
    """All live changes; `malformed` are the fields that could not be read."""

    limits: Mapping[str, Override] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    malformed: tuple[str, ...] = ()

    def in_force(self, at: float) -> "Overrides":
        """Without the limits that have ended at `at`."""
        held = {client: override for client, override in self.limits.items() if override.holds(at)}
        return Overrides(held, self.generations, self.malformed)

    @property
    def next_end(self) -> float:
        """When the first of these limits ends; infinite where none does."""
        return min(
            (override.until for override in self.limits.values() if override.until is not None),
            default=math.inf,
        )


def parse_field(name: str, text: str) -> tuple[str, Override | int]:
    """A client, and its limit or generation.

    Raises:
        RecordError: the field is neither, or its text is not what it should be.
    """
    kind, colon, client = name.partition(":")
    if not client_id.is_client_id(client):
        raise RecordError("not a field of a client")
    if len(text) > MAX_TEXT:
        raise RecordError(f"longer than {MAX_TEXT} characters")
    if kind + colon == LIMIT_FIELD:
        return client, decode(Override, text)
    if kind + colon == GENERATION_FIELD:
        return client, parse_number(text)
    raise RecordError("neither a limit nor a generation")


def parse_number(text: str) -> int:
    """A generation or a version.

    Raises:
        RecordError: it is none.
    """
    if _NUMBER.fullmatch(text) is None:
        raise RecordError("not a number of at most 18 digits")
    return int(text)


def parse_overrides(fields: Mapping[str, str]) -> Overrides:
    """Read the overrides hash. A field that does not parse is listed and otherwise left out."""
    limits: dict[str, Override] = {}
    generations: dict[str, int] = {}
    malformed: list[str] = []
    for name, text in fields.items():
        try:
            if name == VERSION_FIELD:
                parse_number(text)
                continue
            client, value = parse_field(name, text)
        except RecordError:
            malformed.append(name)
        else:
            if isinstance(value, Override):
                limits[client] = value
            else:
                generations[client] = value
    return Overrides(limits, generations, tuple(sorted(malformed)))


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message on the channel: whose fields were changed, and the version that the change made."""

    version: int
    client: str

    def __str__(self) -> str:
        return f"{self.version} {self.client}"


def parse_announcement(text: str) -> Announcement | None:
    """The announcement that `text` is; None where it is none."""
    number, _, client = text.partition(" ")
    if _NUMBER.fullmatch(number) is None or not client_id.is_client_id(client):
        return None
    return Announcement(int(number), client)
