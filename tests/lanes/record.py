"""What can be seen of a node from outside, in one case."""

import asyncio
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from tests.lanes.generator.case import End

_BEFORE = 60
_SHOWN = 260

Events = tuple[tuple[float, bytes | End], ...]
"""What came at one end of a connection, and after how many seconds of the case."""
Counters = dict[str, object]
"""As `tests.lanes.entry.Gateway.counters` has them."""


class Line(NamedTuple):
    """What a node logs, with the id and the client of the request in the course of which it does."""

    logger: str
    level: str
    message: str
    request_id: str
    client: str
    failure: str


class Stream:
    """Collects what comes at one end of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: list[tuple[float, bytes | End]] = []

    def add(self, what: bytes | End) -> None:
        """It comes now."""
        self._events.append((self._loop.time(), what))

    def take(self, start: float) -> Events:
        """All that has come since the last time, with seconds since `start`."""
        events, self._events = self._events, []
        return tuple((at - start, what) for at, what in events)


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one case: what each client got, what came to the upstreams, and what the node counted and logged."""

    clients: tuple[Events, ...]
    upstreams: tuple[tuple[str, Events], ...]
    counters: Counters
    """Since the node began."""
    logged: tuple[Line, ...]
    rejections: tuple[str, ...]
    gauges: dict[str, int]
    """What is still held when all clients of the case have gone."""


def differences(fast: Seen, other: Seen) -> list[str]:
    """In words; of the fast lane first."""
    found: list[str] = []
    for name in ("clients", "upstreams", "logged", "rejections"):
        pairs = zip_longest(getattr(fast, name), getattr(other, name))
        found += [
            f"{name}[{place}]: {_apart(one, two)}" for place, (one, two) in enumerate(pairs) if one != two
        ]
    for name in ("counters", "gauges"):
        one, two = getattr(fast, name), getattr(other, name)
        found += [f"{name}.{key}: {_apart(one[key], two[key])}" for key in one if one[key] != two[key]]
    return found


def _apart(one: object, two: object) -> str:
    """From a little before the place where they part."""
    texts = repr(one), repr(two)
    parted = next(place for place, signs in enumerate(zip_longest(*texts)) if len(set(signs)) > 1)
    place = max(0, parted - _BEFORE)
    return "".join(
        f"\n    {who} …{text[place : place + _SHOWN]}"
        for who, text in zip(("fast ", "other"), texts, strict=True)
    )
