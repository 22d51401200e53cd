"""The last hour, from the stream that nodes keep each tenth record in."""

from collections import deque
from dataclasses import replace
from itertools import groupby

from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import TelemetryRecord
from subject.cluster import samples
from subject.cluster.present_time import in_present_time
from subject.cluster.steps import STEP_SECONDS
from subject.dashboard.chart import Chart, Stretch, draw
from subject.telemetry.streams import goes_on, read_pages

HOUR_SECONDS = 3600


class History:
    """Keeps what is drawn of each record, and reads only what is new."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: this may be another Redis."""
        self._after = ""
        self._last: dict[str, TelemetryRecord] = {}
        self._stretches: dict[str, deque[Stretch]] = {}

    async def read(self, redis: Redis, at: float) -> None:
        """Read what has come since; `at` is now, by Redis' clock. Errors as `read_pages`'.

        An hour of thirty nodes is 200 MB of records; of what was read only what is drawn is kept.
        """
        start = int(1000 * (at - HOUR_SECONDS - STEP_SECONDS))
        if not await goes_on(redis, keys.HISTORY, self._after, start, at):
            self.forget()
            self._after = f"{start}"
        until = 1000 * (at + STEP_SECONDS)
        async for page in read_pages(redis, keys.HISTORY, TelemetryRecord, f"({self._after}"):
            self._after = page.last_id or self._after
            records = [record for record in page.records if start <= 1000 * record.at <= until]
            for node, of_it in groupby(sorted(records, key=_node), key=_node):
                self._add(node, list(of_it))
        self._prune(at)

    def chart(self, at: float) -> Chart:
        """Up to now; the newest step is one that all its records have come of."""
        return draw(self._stretches, int(at) - HOUR_SECONDS, int(at) - STEP_SECONDS, STEP_SECONDS)

    def _add(self, node: str, records: list[TelemetryRecord]) -> None:
        before = [self._last[node]] if node in self._last else []
        told = in_present_time([*before, *records])
        drawn = self._stretches.get(node, deque())
        by = told[0].at - before[0].at if before else 0.0
        if by:  # Redis' clock was set
            drawn = deque(replace(one, start=one.start + by, end=one.end + by) for one in drawn)
        self._stretches[node] = drawn
        drawn.extend(map(Stretch.of, samples.made_of(told)))
        self._last[node] = records[-1]

    def _prune(self, at: float) -> None:
        oldest = at - HOUR_SECONDS - STEP_SECONDS
        for node, stretches in list(self._stretches.items()):
            while stretches and stretches[0].end < oldest:
                stretches.popleft()
            if not stretches and self._last[node].at < oldest:
                del self._stretches[node], self._last[node]


def _node(record: TelemetryRecord) -> str:
    return record.node_id
