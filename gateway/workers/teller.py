"""Hands over what a worker has counted, and tells how it is."""

import asyncio

from gateway import last_refusals
from gateway.admission import Policies
from gateway.building import Serving
from gateway.clock import monotonic
from gateway.log_writer import LogWriter
from gateway.telemetry import process
from gateway.telemetry.clients import ClientDeltas
from gateway.telemetry.counters import GAUGES
from gateway.telemetry.deltas import REPORT_INTERVAL_SECONDS, CounterDeltas, WorkerReport, WorkerState
from gateway.workers.channel import Channel
from gateway.workers.messages import Word


class Teller:
    """Of one worker."""

    def __init__(self, serves: Serving, clients: ClientDeltas, channel: Channel, log: LogWriter) -> None:
        """`clients` are those of the counters."""
        self._serves = serves
        self._untold = CounterDeltas(serves.counters, clients)
        self._channel = channel
        self._log = log
        self._knows_redis_time = False
        self._policies: Policies | None = None
        self._digest = ""
        self.is_leaving = False
        """Whether the worker accepts no more."""

    async def run(self) -> None:
        """Tell again and again, for ever."""
        while True:
            self.tell()
            await self._channel.is_through()
            await asyncio.sleep(REPORT_INTERVAL_SECONDS)

    def tell(self) -> None:
        """Hand over all that was counted since the last time."""
        refusals = last_refusals.take(self._serves.proxy.rejections, self._serves.redis.clock.seconds)
        counted, condition = self._untold.take(), self._condition()
        self._channel.say(Word(WorkerReport(counted, condition, self.is_leaving, refusals)))

    def _condition(self) -> WorkerState:
        serves, now = self._serves, monotonic()
        redis, usage = serves.redis, process.usage()
        self._knows_redis_time |= redis.store.connected
        return WorkerState(
            {name: getattr(serves.counters, name) for name in GAUGES},
            redis.store.connected,
            redis.store.last_error,
            redis.clock.seconds(now) - now if self._knows_redis_time else None,
            redis.overrides.report,
            serves.reload.report,
            self._policy_digest(),
            serves.loop_lag.take_longest_seconds(),
            usage.cpu_seconds,
            usage.rss_bytes,
            len(asyncio.all_tasks()),
            self._log.lost,
        )

    def _policy_digest(self) -> str:
        policies = self._serves.proxy.policies
        if policies is not self._policies:
            self._policies, self._digest = policies, policies.table.digest()
        return self._digest
