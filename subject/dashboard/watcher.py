"""Looks again and again for all who watch: one reader, however many they are."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis

from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from subject.cluster.view import View
from subject.dashboard.chart import Chart, Stretch, draw
from subject.dashboard.history import History
from subject.dashboard.page import page
from subject.dashboard.trail import Trail
from subject.diagnosis.problems import Diagnosis, diagnose
from subject.errors import RedisAwayError, RedisRefusesError
from subject.output.exposition import exposition
from subject.output.printable import printable
from subject.settings import Settings
from subject.telemetry.reader import Reader
from subject.telemetry.redis_client import reading

INTERVAL_SECONDS = 1.0
IDLE_SECONDS = 5.0
"""While nobody watches."""
MOST_SECONDS = 4.0
"""After so long there is another one, whatever it costs: what is wrong is to be seen soon."""
REST = 24
"""So many times as long as a look has kept the processor busy there is no other, up to `MOST_SECONDS`."""
HISTORY_SECONDS = 10.0
WINDOWS = 24
"""The clients whose windows are read each time: each costs Redis a command."""
LIVE_SECONDS = 120

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """What there is to show after one look; `number` counts them."""

    number: int
    page: str  # a JSON object, or null where the subject failed
    snapshot: Snapshot | None  # of the last look that did not fail
    trouble: str = ""  # how it failed
    events: dict[int | None, bytes] = field(default_factory=dict)
    """Those that were made: all who watch for a while are told the same."""

    @property
    def until(self) -> int:
        """The second that its chart ends before."""
        return 0 if self.snapshot is None else self.snapshot.until

    def event(self, since: int | None) -> bytes:
        """As a server-sent event, for one who has the chart to before `since`."""
        if since not in self.events:
            chart = EMPTY if self.snapshot is None else live(self.snapshot, since)
            data = f'{{"page":{self.page},"chart":{_text(chart)},"trouble":{json.dumps(self.trouble)}}}'
            self.events[since] = f"event: frame\nid: {self.number}\ndata: {data}\n\n".encode()
        return self.events[since]


EMPTY = Chart(1, 0, 0, {})


class Watcher:
    """Owns the reader. `run` looks until it is let go; `newer` waits for what came of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = Reader(settings, windows=WINDOWS)
        self._samples = Remembered()
        self._history = History()
        self._trail = Trail()
        self._history_due = 0.0
        self._was_connected = False
        self._frame: Frame | None = None
        self._news = asyncio.Condition()
        self._soon = asyncio.Event()
        self._watching = 0
        self._hour_at = 0.0
        self._hour: str | None = _text(EMPTY)
        self._seen: tuple[Snapshot, Diagnosis] | None = None
        self._closed = False
        self._unread: dict[type[Trail] | type[History], str] = {}  # what was logged of each

    @property
    def redis(self) -> Redis:
        """The connection, for actions."""
        return self._reader.redis

    @property
    def watching(self) -> int:
        """How many watch."""
        return self._watching

    @contextmanager
    def watched(self) -> Iterator[None]:
        """One more watches, as long as the context lasts."""
        self._watching += 1
        if self._watching == 1:
            self.look_soon()
        try:
            yield
        finally:
            self._watching -= 1

    def look_soon(self) -> None:
        """Do not wait for the next look's time."""
        self._soon.set()

    async def hour(self) -> str:
        """The chart of the last hour, as JSON; made when it is asked for, which mostly nobody does."""
        if self._hour is None:
            self._hour = await asyncio.to_thread(_text, self._history.chart(self._hour_at))
        return self._hour

    @property
    def metrics(self) -> str | None:
        """The last look for Prometheus; None before the first one, and where it failed."""
        return None if self._seen is None else exposition(*self._seen)

    async def newer(self, number: int) -> Frame | None:
        """The latest frame, as soon as there is one after `number`; None when there will be no more."""
        async with self._news:
            await self._news.wait_for(
                lambda: self._closed or (self._frame is not None and self._frame.number > number)
            )
            return None if self._closed else self._frame

    async def run(self) -> None:
        """Look until `let_go`.

        A cancellation may be lost in a look: `asyncio.wait_for` of Python 3.11, by which redis-py sends, goes
        on with its result where that has come at the same moment (python/cpython#86296).
        """
        while not self._closed:
            began, worked = time.monotonic(), time.process_time()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the border of a task: it is logged, and told to all
                await self._fail(error)
            interval = INTERVAL_SECONDS if self._watching else IDLE_SECONDS
            rest = max(interval, REST * (time.process_time() - worked)) - (time.monotonic() - began)
            await self._rest(min(rest, max(interval, MOST_SECONDS)))

    async def let_go(self) -> None:
        """End the waiting of all who wait, and `run`."""
        self._closed = True
        self._soon.set()
        async with self._news:
            self._news.notify_all()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._reader.aclose()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._soon.wait()
        except TimeoutError:
            return
        self._soon.clear()

    async def _look(self) -> None:
        view = await self._reader.look()
        if view.redis.connected and not self._was_connected:
            self._history.forget()
            self._trail.forget()
            self._history_due = 0.0
        self._was_connected = view.redis.connected
        if view.redis.connected:
            await self._read(self._trail, view.at)
        # Of thirty nodes it takes a while, in which others are to be answered.
        snapshot, diagnosis, text = await asyncio.to_thread(self._made, view)
        self._seen = snapshot, diagnosis
        await self._show(text, snapshot)
        if view.redis.connected and time.monotonic() >= self._history_due:
            self._history_due = time.monotonic() + HISTORY_SECONDS
            await self._read(self._history, view.at)
            self._hour_at, self._hour = view.at, None

    async def _fail(self, error: Exception) -> None:
        before, self._seen = self._frame, None
        trouble = f"{type(error).__name__}; the subject's log says more"
        if before is None or before.trouble != trouble:
            logger.error("a look failed", exc_info=error)
        await self._show("null", None if before is None else before.snapshot, trouble)

    async def _read(self, stream: Trail | History, at: float) -> None:
        told = ""
        try:
            async with reading(self.redis):
                await stream.read(self.redis, at)
        except (RedisAwayError, RedisRefusesError) as error:
            # The next look finds an outage; one key that holds something else costs only what stands there.
            told = str(error)
            if told != self._unread.get(type(stream)):
                logger.warning("the audit or the history cannot be read: %s", printable(told))
        self._unread[type(stream)] = told

    def _made(self, view: View) -> tuple[Snapshot, Diagnosis, str]:
        snapshot = take(view, self._settings.node_down_seconds, self._samples)
        diagnosis = diagnose(snapshot, self._settings)
        text = json.dumps(page(snapshot, diagnosis, self._trail.records), separators=(",", ":"))
        return snapshot, diagnosis, text

    async def _show(self, text: str, snapshot: Snapshot | None, trouble: str = "") -> None:
        number = 1 if self._frame is None else self._frame.number + 1
        async with self._news:
            self._frame = Frame(number, text, snapshot, trouble)
            self._news.notify_all()


def live(snapshot: Snapshot, since: int | None = None) -> Chart:
    """The last two minutes, second by second; for one who has all before `since` what is new."""
    start = max(snapshot.first_second, snapshot.until - LIVE_SECONDS)
    if since is not None and start <= since <= snapshot.until:
        start = since
    nodes: dict[str, list[Stretch]] = {
        node.id: [Stretch.of(sample) for sample in node.samples if sample.end > start]
        for node in snapshot.nodes
    }
    return draw(nodes, start, snapshot.until, 1)


def _text(chart: Chart) -> str:
    return json.dumps(chart.as_json(), separators=(",", ":"))
