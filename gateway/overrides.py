"""The live changes that operators make, as far as this node knows them.

They are read by polling, which is certain, and as they are announced, which is quick. A poll asks for the
version of the hash and its length; only where one has changed, or at times in any case, all of it is read, by
HSCAN in slices, so that neither Redis nor this event loop is kept busy for long. An announcement names the
client, and only its two fields are read.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.clock import RedisClock, monotonic
from gateway.contract import keys
from gateway.contract.overrides import (
    GENERATION_FIELD,
    LIMIT_FIELD,
    MAX_READ,
    VERSION_FIELD,
    Overrides,
    parse_announcement,
    parse_number,
)
from gateway.contract.records import (
    MAX_MALFORMED_NAMES,
    MAX_PROBLEM_LENGTH,
    NOT_A_HASH,
    LiveChanges,
    RecordError,
    as_published,
)
from gateway.contract.redis_errors import explained
from gateway.override_fields import OverrideFields

SLICE = 64
"""Fields asked for at once: where all of them are new, a slice keeps this loop busy for less than a
millisecond."""
FEW = 500
SECONDS_A_FIELD = 0.001
"""A write by other hands raises no version. So that it is found all the same, up to `FEW` fields are read at
each poll, and more of them every so many seconds for each."""
WRONG_TYPE = "WRONGTYPE"
_NO_VERSION = -1

logger = logging.getLogger(__name__)


class LiveOverrides:
    """The overrides in force. Without Redis, and where a record does not parse, the last good ones stay."""

    def __init__(self, clock: RedisClock, now: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._now = now
        self._reading = asyncio.Lock()
        self._fields = OverrideFields()
        self._all = self._in_force = Overrides()
        self._next_end = math.inf
        self._version = 0
        self._length = 0
        self._read_due = 0.0
        self._problem = ""
        self._since: float | None = None
        self._taken_at: float | None = None

    @property
    def current(self) -> Overrides:
        """What holds now. A limit that ends does so at its moment by Redis' clock, whatever Redis does."""
        if self._next_end < math.inf and self._next_end <= (at := self._time()):
            self._look_at(at)
        return self._in_force

    @property
    def report(self) -> LiveChanges:
        """What the node publishes of it."""
        malformed = self._all.malformed
        return LiveChanges(
            len(self._all.limits) + len(self._all.generations),
            len(malformed),
            tuple(as_published(name) for name in malformed[:MAX_MALFORMED_NAMES]),
            self._problem,
            self._since,
            max(0, self._version),
            self._taken_at,
        )

    async def refresh(self, redis: Redis) -> None:
        """Poll once. An error that Redis answers with is reported; others of redis-py pass through."""
        async with self._reading:
            try:
                await self._poll(redis)
            except ResponseError as error:
                self._refuse(f"it {NOT_A_HASH}" if WRONG_TYPE in str(error) else explained(str(error)))

    async def take(self, redis: Redis, message: str) -> None:
        """Read what a message on the channel announces. Errors of redis-py pass through; the poll remains."""
        announced = parse_announcement(message)
        if announced is None:
            self._read_due = 0.0  # somebody wants it to be read
            return
        async with self._reading:
            if self._problem or announced.version <= self._version:
                return
            names = (VERSION_FIELD, LIMIT_FIELD + announced.client, GENERATION_FIELD + announced.client)
            texts = await redis.hmget(keys.OVERRIDES, names)
            fields = self._fields.copy()
            for name, text in zip(names, texts, strict=True):
                if text is None:
                    fields.drop(name)
                else:
                    fields.put(name, str(text))
            self._length += len(fields) - len(self._fields)
            self._take_over(fields)
            if announced.version == self._version + 1:  # else one was missed, and the poll will see it
                self._has_taken(announced.version)

    async def _poll(self, redis: Redis) -> None:
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.hget(keys.OVERRIDES, VERSION_FIELD)
            pipeline.hlen(keys.OVERRIDES)
            text, length = replies = await pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        version = _version(text)
        unchanged = (version, length) == (self._version, self._length)
        if unchanged and not self._problem and length > FEW and self._now() < self._read_due:
            return
        fields = await self._read_all(redis) if length <= MAX_READ else None
        if fields is None:
            self._refuse(f"more than the {MAX_READ:,} fields that are read")
            return
        self._length, self._problem = length, ""
        self._read_due = self._now() + SECONDS_A_FIELD * length
        self._take_over(fields)
        self._has_taken(version)

    async def _read_all(self, redis: Redis) -> OverrideFields | None:
        """All fields; None where they are too many. What is changed meanwhile has another version."""
        fields = OverrideFields(self._fields)
        cursor = 0
        while True:
            page: Any = await redis.hscan(keys.OVERRIDES, cursor, count=SLICE)
            cursor, texts = page
            for name, text in texts.items():
                fields.put(name, text)
            if len(fields) > MAX_READ:
                return None
            if not cursor:
                return fields

    def _take_over(self, fields: OverrideFields) -> None:
        before = self._all.malformed
        self._fields = fields
        taken = fields.overrides()
        if taken != self._all:  # what is made from them is kept as long as they stay the same value
            self._all = taken
        self._look_at(self._time())
        if self._all.malformed and self._all.malformed != before:
            logger.warning(
                "live changes that cannot be read, and are not applied: %s%s",
                ", ".join(as_published(name) for name in self._all.malformed[:MAX_MALFORMED_NAMES]),
                ""
                if len(self._all.malformed) <= MAX_MALFORMED_NAMES
                else f" and {len(self._all.malformed) - MAX_MALFORMED_NAMES} more",
            )
        self._note_since()

    def _has_taken(self, version: int) -> None:
        """All changes up to this one are in force here."""
        if version != self._version:
            self._version, self._taken_at = version, self._time()

    def _refuse(self, problem: str) -> None:
        problem = as_published(problem, MAX_PROBLEM_LENGTH)
        if problem != self._problem:
            logger.warning("no live change is taken over from %s: %s", keys.OVERRIDES, problem)
        self._problem = problem
        self._note_since()

    def _note_since(self) -> None:
        if not self._problem and not self._all.malformed:
            self._since = None
        elif self._since is None:
            self._since = self._time()

    def _look_at(self, at: float) -> None:
        self._in_force, self._next_end = self._all, self._all.next_end
        if self._next_end <= at:
            self._in_force = self._all.in_force(at)
            self._next_end = self._in_force.next_end

    def _time(self) -> float:
        return self._clock.seconds(self._now())


def _version(text: str | None) -> int:
    """A malformed one is none; it is told as a malformed field, and other signs of changes remain."""
    try:
        return 0 if text is None else parse_number(text)
    except RecordError:
        return _NO_VERSION
