"""Looks at the cluster: Redis, and the nodes' /state where Redis does not tell enough."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import RosterEntry, TelemetryRecord
from subject.cluster.policies import Policies
from subject.cluster.present_time import MARGIN_SECONDS, kept
from subject.cluster.view import RedisHealth, View
from subject.cluster.windows import ClientWindow
from subject.errors import RedisAwayError, RedisRefusesError
from subject.settings import Settings
from subject.telemetry import redis_client, redis_reads, state_endpoint
from subject.telemetry.active import Active, Name, name
from subject.telemetry.known_nodes import KnownNodes
from subject.telemetry.past_steps import PastSteps
from subject.telemetry.recent_changes import RecentChanges
from subject.telemetry.redis_clock import RedisClock
from subject.telemetry.redis_reads import PUT_BACK_SECONDS
from subject.telemetry.streams import goes_on, read_pages

WINDOWS = 50
"""The busiest and most refused clients whose windows are read, unless told otherwise."""
Wanted = Callable[[Policies], Iterable[str]]
"""From what is known of the policies to the clients whose windows are read in any case; of a single one also
what stands in its routes' windows."""
SECOND_LOOK_SECONDS = 1.0


def nobody(policies: Policies) -> tuple[str, ...]:
    """Only the windows of the most active clients are read."""
    del policies
    return ()


class Reader:
    """Keeps one connection, the stream's last minutes and the last roster between looks."""

    def __init__(self, settings: Settings, windows: int = WINDOWS) -> None:
        """`windows`: the most active clients whose windows are read at each look."""
        self._settings = settings
        self._most_windows = windows
        self._redis: Redis = redis_client.connect(settings.redis_url, settings.timeout_seconds)
        self._records: list[TelemetryRecord] = []
        self._active = Active()
        self._stream_at = ""
        past_seconds = settings.history_seconds and settings.history_seconds + self._kept_seconds
        self._past = PastSteps(past_seconds)
        self._changes = RecentChanges()
        self._nodes = KnownNodes()
        self._clock = RedisClock()
        self._policies = Policies()
        self._windows: tuple[ClientWindow, ...] = ()
        self._redis_answered_at: float | None = None
        self._seen_at: float | None = None
        self._silent: Set[str] = frozenset()
        """Admin addresses that have not answered when last asked without Redis."""

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    @property
    def redis(self) -> Redis:
        """The connection, for actions."""
        return self._redis

    async def look(self, wanted: Wanted = nobody) -> View:
        """One look. Raises nothing where Redis is away, nor anything but what `wanted` does."""
        try:
            async with redis_client.reading(self._redis):
                return await self._look_at_redis(wanted)
        except RedisAwayError as error:
            return await self._look_at_nodes(error.reason)
        except RedisRefusesError as error:
            return await self._look_at_nodes(error.reason, refuses=True)

    async def look_twice_if_needed(self, wanted: Wanted = nobody) -> View:
        """As `look`; where only the nodes answer, they are asked once more a second later, since rates need
        two records. Redis is not: it may take long to say nothing again."""
        view = await self.look(wanted)
        if view.redis.connected or not view.states:
            return view
        await asyncio.sleep(SECOND_LOOK_SECONDS)
        return await self._look_at_nodes(view.redis.problem, view.redis.refuses)

    async def _look_at_redis(self, wanted: Wanted) -> View:
        await redis_client.follow(self._redis)
        basics = await redis_reads.read_basics(self._redis)
        at = self._seen_at = self._redis_answered_at = basics.at
        self._silent = frozenset()
        if self._clock.learn(at):
            self._past.forget()
            self._changes.forget()
        await self._nodes.take(self._redis, basics)
        unreadable = [
            *basics.unreadable,
            *await self._read_stream(at),
            *await self._past.read(self._redis, at),
        ]
        policies = await redis_reads.read_policies(self._redis, basics, self._policies.tables)
        self._policies = replace(policies, changes=await self._changes.read(self._redis, at))
        clients = tuple(wanted(self._policies))
        stale = {node_id: entry for node_id, entry in self._nodes.roster.items() if self._is_stale(entry, at)}
        silent = {entry.admin_address for entry in stale.values()}
        if basics.nobody_wrote:  # nodes may be there all the same, and not be able to write
            silent |= set(self._settings.admin_addresses)
        answers = await self._ask(silent)
        # Where a node was known, one of another cluster may listen by now.
        states = {
            node_id: entry
            for node_id, entry in _by_id(answers).items()
            if node_id in self._nodes.roster or basics.nobody_wrote
        }
        chosen = dict.fromkeys((*clients, *self._active.at(self._records, at)))
        self._windows, foreign = await redis_reads.read_windows(
            self._redis,
            at,
            list(chosen)[: self._most_windows + len(clients)],
            self._policies,
            with_routes=len(clients) == 1,
        )
        unreadable += foreign
        health = RedisHealth(
            connected=True,
            place=redis_client.place(self._redis),
            answered_at=at,
            round_trip_seconds=basics.round_trip_seconds,
            used_bytes=basics.used_bytes,
            maximum_bytes=basics.maximum_bytes,
        )
        return self._view(at, health, states, frozenset(stale) | states.keys(), unreadable=tuple(unreadable))

    async def _look_at_nodes(self, problem: str, refuses: bool = False) -> View:
        known = {entry.admin_address for entry in self._nodes.roster.values()}
        further = self._settings.admin_addresses
        answers = await self._ask_again_if_late({*known, *further})
        unanswered = tuple(address for address in further if address not in {*known, *answers})
        states = _by_id(answers)
        self._nodes.add(states)
        at = self._clock.now(states.values())
        if states:
            self._seen_at = at
        health = RedisHealth(
            connected=False,
            place=redis_client.place(self._redis),
            problem=problem,
            refuses=refuses,
            answered_at=self._redis_answered_at,
        )
        return self._view(at, health, states, frozenset(self._nodes.roster), unanswered=unanswered)

    async def _ask(self, addresses: Iterable[str]) -> dict[str, RosterEntry]:
        return await state_endpoint.ask(addresses, self._settings.timeout_seconds, self._clock.of_now)

    async def _ask_again_if_late(self, addresses: Set[str]) -> dict[str, RosterEntry]:
        """Nothing else tells now whether a node is there, and one answer that is late is no proof that it is
        not: who has not been silent before is asked twice."""
        answers = await self._ask(addresses)
        answers |= await self._ask(addresses - answers.keys() - self._silent)
        self._silent = addresses - answers.keys()
        return answers

    def _view(
        self,
        at: float,
        health: RedisHealth,
        states: Mapping[str, RosterEntry],
        asked: frozenset[str],
        unanswered: tuple[str, ...] = (),
        unreadable: tuple[str, ...] = (),
    ) -> View:
        # Also those that Redis has told: after its clock was set only these have the time that is now.
        self._records.extend(entry.last for entry in states.values())
        self._records = kept(self._records, at, self._settings.baseline_seconds, by_redis=health.connected)
        return View(
            at=at,
            seen_at=self._seen_at,
            redis=health,
            roster=dict(self._nodes.roster),
            records=tuple(self._records),
            states=states,
            asked=asked,
            unanswered=unanswered,
            policies=self._policies,
            windows=self._windows,
            unreadable=unreadable,
            unread_nodes=self._nodes.unread,
            steps=self._past.until(at),
        )

    @property
    def _kept_seconds(self) -> int:
        return self._settings.baseline_seconds + MARGIN_SECONDS

    async def _read_stream(self, at: float) -> list[str]:
        start = int(1000 * (at - self._kept_seconds))
        known = set[Name]()
        if not await goes_on(self._redis, keys.TELEMETRY, self._stream_at, start, at):
            self._stream_at = f"{start}"
            known = {name(record) for record in self._records}
        unreadable = 0
        # Page by page: where Redis is too slow for one look to read them all, the next one goes on.
        async for page in read_pages(self._redis, keys.TELEMETRY, TelemetryRecord, f"({self._stream_at}"):
            self._stream_at = page.last_id or self._stream_at
            self._records.extend(
                record
                for record in page.records
                if record.at <= at + PUT_BACK_SECONDS and name(record) not in known
            )
            unreadable += page.unreadable
        # Where the stream was trimmed the roster has the last of them, and the counts since are no pause.
        known = {name(record) for record in self._records}
        roster = (entry.last for entry in self._nodes.roster.values())
        self._records.extend(record for record in roster if name(record) not in known)
        return [f"{unreadable} telemetry records"] if unreadable else []

    def _is_stale(self, entry: RosterEntry, at: float) -> bool:
        return not entry.last.leaving and abs(at - entry.last.at) > self._settings.node_down_seconds


def _by_id(answers: Mapping[str, RosterEntry]) -> dict[str, RosterEntry]:
    """Entries under the ids of those who gave them: another node may listen where one was known."""
    return {entry.last.node_id: entry for entry in answers.values()}
