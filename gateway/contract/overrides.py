"""Live changes, in the overrides hash: a client's limit, and the generation of its keys.

Two fields a client, so that both kinds of change are one atomic command each: ``limit:<client>`` holds an
`Override` (HSET, HDEL), ``generation:<client>`` an integer (HINCRBY). A reset raises the generation: the
client's counters start again under new keys, and what is still under way for the old ones harms nobody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.contract import client_id
from gateway.contract.codec import RecordError, decode
from gateway.contract.limits import Limit

LIMIT_FIELD = "limit:"
GENERATION_FIELD = "generation:"
POLL_SECONDS = 0.5
_GENERATION = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Override:
    """A client's limit for now: goes before its own, its plan's and the default."""

    limit: Limit
    by: str
    at: float  # seconds since 1970, by Redis' clock
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """All live changes; `malformed` are the fields that could not be read."""

    limits: Mapping[str, Override] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    malformed: tuple[str, ...] = ()


def parse_overrides(fields: Mapping[str, str]) -> Overrides:
    """Read the overrides hash. A field that does not parse is listed and otherwise left out."""
    limits: dict[str, Override] = {}
    generations: dict[str, int] = {}
    malformed: list[str] = []
    for name, text in fields.items():
        kind, colon, client = name.partition(":")
        try:
            if not client_id.is_client_id(client):
                raise RecordError(f"{client!r} is no client id")
            if kind + colon == LIMIT_FIELD:
                limits[client] = decode(Override, text)
            elif kind + colon == GENERATION_FIELD and _GENERATION.fullmatch(text):
                generations[client] = int(text)
            else:
                raise RecordError(f"{name!r} is neither a limit nor a generation")
        except ValueError:
            malformed.append(name)
    return Overrides(limits, generations, tuple(sorted(malformed)))
