"""The Subject protocol: what an operator, human or AI, reads and does through Python.

The types have the shape of the operator's own, which is not imported. Their field names are its terms:
a store is a gateway node, and some fields carry what the docstrings here say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.contract.limits import UNIT_SECONDS, Limit, LimitSyntaxError, parse_limit
from subject import actions, documents, metrics
from subject import settings as settings_module
from subject.actions import Actor
from subject.diagnosis import diagnose
from subject.errors import UsageError
from subject.finding import as_json
from subject.reader import Reader
from subject.settings import Settings
from subject.snapshot import Node, Snapshot, take

DEFAULT_PERIOD_SECONDS = UNIT_SECONDS["m"]
"""The period of a bare number where no node has published a policy: that of the default limit."""


@dataclass(frozen=True, slots=True)
class Store:
    """A gateway node. `state`: Up, Down (neither writes nor answers) or Offline (left in order)."""

    id: str
    address: str  # host:port
    state: str


@dataclass(frozen=True, slots=True)
class StoreMetrics:
    """One node's numbers, of the last ten seconds."""

    store_id: str
    qps: float  # requests per second
    latency_p99_ms: float  # the rejection rate in percent: the protocol's field, reused
    disk_used_bytes: int  # of Redis' memory
    disk_total_bytes: int
    cpu_percent: float  # of the node's process
    raft_lag: float  # seconds since the node's last record

    @property
    def latency_p99(self) -> float:
        """The same under the research note's name: the rejection rate in percent."""
        return self.latency_p99_ms

    @property
    def rejection_ratio(self) -> float:
        """Refused requests over all, 0…1."""
        return self.latency_p99_ms / 100


@dataclass(frozen=True, slots=True)
class ClusterMetrics:
    """The cluster's numbers."""

    store_count: int  # nodes
    region_count: int  # clients seen
    leader_count: dict[str, int]  # node: requests in the last ten seconds


@dataclass(frozen=True, slots=True)
class InvariantViolation:
    """A finding in the protocol's terms: the name is its code, the times have a zone."""

    invariant_name: str
    message: str
    first_seen: datetime
    last_seen: datetime
    store_id: str | None  # the node or client; None: the cluster
    severity: str


class RateLimiterSubject:
    """A rate limiter cluster, observed and acted on through its Redis."""

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        settings: Settings | None = None,
        by: str = "operator",
    ) -> None:
        """`settings` default to the environment's; `redis_url` goes before theirs. `by` is audited.

        Raises:
            UsageError: a malformed setting.
        """
        given = {} if redis_url is None else {"REDIS_URL": redis_url}
        self._settings = settings or settings_module.load(**given)
        self._reader = Reader(self._settings)
        self._by = by

    async def __aenter__(self) -> "RateLimiterSubject":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection to Redis."""
        await self._reader.aclose()

    async def get_stores(self) -> list[Store]:
        """All nodes; with Redis away those last known."""
        snapshot = await self._snapshot()
        return [Store(node.id, node.address, node.state) for node in snapshot.nodes]

    async def get_store_metrics(self, store_id: str) -> StoreMetrics:
        """One node's numbers.

        Raises:
            KeyError: there is no such node.
        """
        snapshot = await self._snapshot()
        node = snapshot.node(store_id)
        of_node = metrics.of_node(snapshot, node)
        return StoreMetrics(
            store_id=node.id,
            qps=of_node.rate,
            latency_p99_ms=100 * of_node.rejection_ratio,
            disk_used_bytes=snapshot.redis.used_bytes,
            disk_total_bytes=snapshot.redis.maximum_bytes,
            cpu_percent=of_node.cpu_percent,
            raft_lag=max(0.0, snapshot.at - node.last.at),
        )

    async def get_cluster_metrics(self) -> ClusterMetrics:
        """The cluster's numbers, with how requests are spread over the nodes."""
        snapshot = await self._snapshot()
        spread = {node.id: round(metrics.of_node(snapshot, node).requests) for node in snapshot.nodes}
        return ClusterMetrics(len(snapshot.nodes), snapshot.clients, spread)

    async def set_rate_limit(self, client_id: str, limit: int | str, why: str | None = None) -> None:
        """Give a client a limit that goes before all others; nodes take it over within a second.

        `limit`: ``N/period``, or a bare N for N per the period of the limit that the client has now.

        Raises:
            ValueError: no client id, or no limit.
            RedisAwayError: Redis does not answer.
        """
        actions.checked(client_id)
        await actions.set_limit(
            self._reader.redis, client_id, await self._limit(client_id, limit), Actor(self._by, why)
        )

    async def reset_client(self, client_id: str, why: str | None = None) -> None:
        """Let a client's count begin anew.

        Raises:
            ValueError: no client id.
            RedisAwayError: Redis does not answer.
        """
        await actions.reset(self._reader.redis, client_id, Actor(self._by, why))

    async def observe(self) -> dict[str, Any]:
        """Everything at once, as JSON would hold it.

        Never raises: with Redis away `redis_connected` is false and the last known nodes stay.
        """
        snapshot = await self._snapshot()
        diagnosis = diagnose(snapshot, self._settings)
        return {
            "at": snapshot.at,
            "nodes": [documents.place(node) for node in snapshot.nodes],
            "counters": documents.counters(snapshot.windows),
            "node_metrics": {node.id: _node_metrics(snapshot, node) for node in snapshot.nodes},
            "redis_connected": snapshot.redis.connected,
            "findings": [as_json(found) for found in diagnosis.findings],
        }

    async def _snapshot(self) -> Snapshot:
        return take(await self._reader.look(), self._settings.node_down_seconds)

    async def _limit(self, client: str, limit: int | str) -> Limit:
        text = str(limit).strip()
        if text.isascii() and text.isdecimal():
            view = await self._reader.look()
            applied = view.policies.applied_to(client)
            period_seconds = DEFAULT_PERIOD_SECONDS if applied is None else applied.limit.period_seconds
            text = f"{text}/{period_seconds}s"
        try:
            return parse_limit(text)
        except LimitSyntaxError as error:
            raise UsageError(str(error)) from None


class RateLimiterChecker:
    """Turns observations into violations, and remembers since when each is seen."""

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, str | None], datetime] = {}

    def check(self, observation: Mapping[str, Any]) -> list[InvariantViolation]:
        """The violations in what `observe` returned; empty when all is well.

        `first_seen` stays what it was when a violation was first met, and is forgotten with it.
        """
        violations = [self._violation(found) for found in observation.get("findings", [])]
        self._first_seen = {
            (violation.invariant_name, violation.store_id): violation.first_seen for violation in violations
        }
        return violations

    def _violation(self, found: Mapping[str, Any]) -> InvariantViolation:
        target = found["subject"]
        store_id = None if target["kind"] == "cluster" else target["id"]
        since = datetime.fromtimestamp(found["since"], UTC)
        return InvariantViolation(
            invariant_name=found["code"],
            message=found["summary"],
            first_seen=self._first_seen.get((found["code"], store_id), since),
            last_seen=datetime.fromtimestamp(found["at"], UTC),
            store_id=store_id,
            severity=found["severity"],
        )


def create_ratelimiter_subject_and_checker(
    redis_url: str | None = None,
) -> tuple[RateLimiterSubject, RateLimiterChecker]:
    """The pair; `redis_url` defaults to the environment's REDIS_URL."""
    return RateLimiterSubject(redis_url), RateLimiterChecker()


def _node_metrics(snapshot: Snapshot, node: Node) -> dict[str, Any]:
    """Here `latency_p99_ms` is the real latency of requests."""
    document = documents.node_document(snapshot, node)
    return {name: value for name, value in document.items() if name not in documents.place(node)}
