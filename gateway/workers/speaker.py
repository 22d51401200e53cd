"""What the first process of a node does: it publishes, answers at the admin listener, and checks files."""

import logging

from gateway.admin import AdminSources
from gateway.building import Signals, unreached
from gateway.clock import RedisClock, monotonic
from gateway.config.policy_files import read_policies
from gateway.config.settings import Settings
from gateway.config.tls import server_certificate
from gateway.contract.redis_url import parse_redis_url
from gateway.log_writer import LogWriter
from gateway.redis_endpoint import Endpoint
from gateway.reload import Commit, Reload
from gateway.telemetry.counters import Counters
from gateway.telemetry.deltas import WorkerReport
from gateway.telemetry.process import open_descriptors, usage
from gateway.telemetry.prometheus import Scrape
from gateway.telemetry.publisher import Publisher, Recorder, Roster
from gateway.workers.crew import Crew
from gateway.workers.sums import Sums

logger = logging.getLogger(__name__)


class Speaker:
    """Its parts, built from the settings; `speak_for` must be called before any is used."""

    def __init__(self, settings: Settings, signals: Signals, log: LogWriter) -> None:
        """Reads the files that the settings name.

        Raises:
            StartError: one cannot be used.
        """
        policies = read_policies(settings)
        self._settings = settings
        self._signals = signals
        self._log = log
        self._crew: Crew | None = None
        self._reloads = 0
        self._clock = RedisClock()
        self._counters = Counters()
        self.sums = Sums(self._counters, self._clock, usage)
        self.certificate = server_certificate(settings.tls_cert, settings.tls_key)
        self.endpoint = Endpoint(parse_redis_url(settings.redis_url))
        self.client = self.endpoint.client()
        self._roster = Roster(self.client, settings.node_id)
        self.reload = Reload(signals.reread, lambda: self._clock.seconds(monotonic()))
        self.recorder = Recorder(
            unreached(settings, policies.table),
            self._counters,
            self._clock,
            lambda: self.sums.take_lag_seconds(monotonic()),
            lambda: self.sums.store_connected,
            lambda: self.sums.store_trouble,
            lambda: self.sums.live_changes,
            lambda: self.sums.reloads(self.reload.report),
            self.sums.usage,
        )
        self.publisher = Publisher(self.client, self.recorder, policies.table, self._roster)
        self.sources = AdminSources(self.recorder, self._why_not_ready, self._scrape, self.sums.refusal)
        self.reload.take_in(self._reread_policies)
        if self.certificate is not None:
            self.reload.take_in(self.certificate.reread)

    def speak_for(self, crew: Crew) -> None:
        """The workers of which it speaks."""
        self._crew = crew

    async def publish(self) -> None:
        """One second's record; the workers learn how many nodes are at work."""
        await self.publisher.publish()
        if self._crew is not None:
            self._crew.order(live_nodes=self._roster.live_nodes)

    def check_files(self, handover: WorkerReport) -> None:
        """A worker that has started again has read its files anew: where they are others, all do."""
        if handover.condition.policy_digest != self.recorder.node.policy_digest:
            logger.warning("the files have changed since: all workers read them anew")
            self._signals.reread.set()

    def _reread_policies(self) -> Commit:
        """Read the policies; what is returned has all workers do so too."""
        table = read_policies(self._settings).table

        def enforce() -> None:
            self.publisher.enforce(table)
            self._reloads += 1
            if self._crew is not None:
                self._crew.order(reloads=self._reloads)

        return enforce

    def _why_not_ready(self) -> str:
        if self._signals.stop.is_set():
            return "draining"
        return "" if self._crew is not None and self._crew.serves else "no worker serves"

    def _scrape(self) -> Scrape:
        pids = [] if self._crew is None else self._crew.pids
        return Scrape(
            self._counters,
            self.sums.store_connected,
            self.sums.reloads(self.reload.report),
            self._log.lost + self.sums.lost_log_lines,
            self.sums.usage(),
            open_descriptors(pids),
            self.sums.tasks,
            self.certificate.valid_until if self.certificate is not None else None,
        )
