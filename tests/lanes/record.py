"""What can be seen of a node from outside.

This is all that is made equal in it:

* Times are rounded to a microsecond: sums of the same seconds differ in the last digits with their order.
* Bytes that are sent at one instant are one piece: how many calls of a transport they took is no matter.
* How much of a body of five digits had come when its request was logged is left out of the line: the other
  lane takes 32 kB a turn, and may have answered before it has taken all. Nor is it told how much came at the
  same instant behind what was malformed.
* Where a client takes nothing of its answer for a while, it is left out when connections to services end: the
  other lane reads some of an answer ahead, and so may be done with its connection before.

Ids of requests, dates and counts need nothing: both nodes draw the same ids, and live at the same time. What
happens within one instant has no order here, so a case (`tests.lanes.making`) does not have two clients, or
two chunks of an answer, come at one.
"""

import asyncio
import logging
import re
from dataclasses import dataclass, fields
from itertools import zip_longest

from gateway.request_context import RequestContext
from gateway.telemetry.clients import UntoldClients
from gateway.telemetry.counters import Counters
from gateway.telemetry.histogram import Histogram
from tests.lanes.case import End

_DIGITS = 6
_OPEN_SIZE = re.compile(r" in=[0-9]{5,}|(?<= malformed) in=[0-9]+")
_BEFORE = 60
_SHOWN = 260


class Stream:
    """What came at one end of a connection, and when."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._told: list[tuple[float, bytes | End]] = []

    def add(self, what: bytes | End) -> None:
        """It comes now."""
        now = round(self._loop.time(), _DIGITS)
        if self._told and isinstance(what, bytes):
            then, before = self._told[-1]
            if then == now and isinstance(before, bytes):
                self._told[-1] = now, before + what
                return
        self._told.append((now, what))

    def take(self, *, with_ends: bool = True) -> tuple[tuple[float, bytes | End], ...]:
        """All that has come since the last time, or but for ends."""
        told, self._told = self._told, []
        return tuple(each for each in told if with_ends or isinstance(each[1], bytes))


def line_of(record: logging.LogRecord) -> tuple[object, ...]:
    """What a node logs, with the request in the course of which it does."""
    context = RequestContext.current()
    whose = ("", "") if context is None else (context.request_id, context.client)
    failure = record.exc_info[1] if record.exc_info else None
    message = _OPEN_SIZE.sub(" in=…", record.getMessage())
    return record.name, record.levelname, message, *whose, repr(failure)


def told(counters: Counters) -> dict[str, object]:
    """All that a node counts."""
    values: dict[str, object] = {}
    for field in fields(counters):
        value = getattr(counters, field.name)
        if isinstance(value, Histogram):
            values[field.name] = value.buckets(), round(value.sum_seconds, _DIGITS)
        elif isinstance(value, UntoldClients):
            values[field.name] = value.take()
        else:
            values[field.name] = dict(value) if isinstance(value, dict) else value
    return values


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one case: what each client got, what came to the services, the counters, and what was logged."""

    clients: tuple[object, ...]
    services: tuple[object, ...]
    counters: dict[str, object]
    logged: tuple[object, ...]


def differences(fast: Seen, other: Seen) -> list[str]:
    """In words; of the fast lane first."""
    found: list[str] = []
    for name in ("clients", "services", "logged"):
        pairs = zip_longest(getattr(fast, name), getattr(other, name))
        found += [
            f"{name}[{place}]: {_apart(one, two)}" for place, (one, two) in enumerate(pairs) if one != two
        ]
    for name, value in fast.counters.items():
        if value != other.counters[name]:
            found.append(f"counters.{name}: {_apart(value, other.counters[name])}")
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
