"""The Subject protocol: what an operator, human or AI, reads and does through Python."""

import math
from typing import Any

from gateway.contract.limits import Limits, parse_limits
from subject import settings as settings_module
from subject.actions import edits, outcomes
from subject.actions.edits import Actor, LimitChange
from subject.checker import RateLimiterChecker
from subject.cluster import metrics
from subject.cluster.node import Node
from subject.cluster.samples import Remembered
from subject.cluster.snapshot import Snapshot, take
from subject.diagnosis.problems import diagnose
from subject.finding import as_json
from subject.output import diagnosis_document, documents
from subject.settings import Settings
from subject.stores import ClusterMetrics, Store, StoreMetrics
from subject.telemetry.reader import Reader


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
        self._samples = Remembered()
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
        read = [Store(node.id, node.address, node.state) for node in snapshot.nodes]
        return read + [Store(node_id, "", "Down") for node_id in snapshot.unread_nodes]

    async def get_store_metrics(self, store_id: str) -> StoreMetrics:
        """One node's numbers.

        Raises:
            KeyError: there is no such node.
        """
        snapshot = await self._snapshot()
        if store_id in snapshot.unread_nodes:
            redis = snapshot.redis
            return StoreMetrics(
                store_id=store_id,
                qps=0.0,
                latency_p99_ms=0.0,
                disk_used_bytes=redis.used_bytes,
                disk_total_bytes=redis.maximum_bytes,
                cpu_percent=0.0,
                raft_lag=math.inf,
            )
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
        spread |= dict.fromkeys(snapshot.unread_nodes, 0)
        return ClusterMetrics(store_count=len(spread), region_count=snapshot.clients, leader_count=spread)

    async def set_rate_limit(self, client_id: str, limit: int | str, why: str | None = None) -> str:
        """Give a client a limit that goes before all others; nodes take it over within a second.

        Returns what was done, instead of what, and on which nodes it is in force: a sentence.

        `limit`: ``N/period``, several with commas between them, or a bare N for N per the period of the limit
        that the client has now. Where that has several windows, N is for the shortest, and the others stay.

        Raises:
            ValueError: no client id that a node knows, or no limit.
            NoNodesError: no node has ever written to this Redis.
            RedisAwayError: Redis does not answer.
            RedisRefusesError: it answers with an error.
        """
        done = await edits.set_limit(
            self._reader.redis, LimitChange(client_id, _limit(limit), Actor(self._by, why))
        )
        return f"{outcomes.limit_set(client_id, done)}; {await self._where(done.version, done.at)}"

    async def reset_client(self, client_id: str, why: str | None = None) -> str:
        """Let a client's count begin anew. Returns what `set_rate_limit` does.

        Raises:
            ValueError: no client id that a node knows.
            NoNodesError: no node has ever written to this Redis.
            RedisAwayError: Redis does not answer.
            RedisRefusesError: it answers with an error.
        """
        done = await edits.reset(self._reader.redis, client_id, Actor(self._by, why))
        where = await self._where(done.version, done.at)
        return f"{outcomes.count_reset(client_id, done.generation)}; {where}"

    async def observe(self) -> dict[str, Any]:
        """Everything at once, as JSON would hold it.

        Never raises: with Redis away `redis_connected` is false and the last known nodes stay.
        """
        snapshot = await self._snapshot()
        diagnosis = diagnose(snapshot, self._settings)
        return {
            "at": snapshot.at,
            "nodes": documents.places(snapshot),
            "counters": documents.counters(snapshot.windows),
            "node_metrics": {
                **{node.id: _node_metrics(snapshot, node) for node in snapshot.nodes},
                **dict.fromkeys(snapshot.unread_nodes, documents.NOTHING_KNOWN),
            },
            "redis_connected": snapshot.redis.connected,
            "findings": [as_json(found) for found in diagnosis.findings],
            "problems": diagnosis_document.problems(diagnosis),
        }

    async def _where(self, version: int | None, at: float) -> str:
        return await outcomes.where_by_now(self._reader.redis, version, at, self._settings)

    async def _snapshot(self) -> Snapshot:
        return take(await self._reader.look(), self._settings.node_down_seconds, self._samples)


def create_ratelimiter_subject_and_checker(
    redis_url: str | None = None,
) -> tuple[RateLimiterSubject, RateLimiterChecker]:
    """The pair; `redis_url` defaults to the environment's REDIS_URL."""
    return RateLimiterSubject(redis_url), RateLimiterChecker()


def _limit(limit: int | str) -> Limits | int:
    text = str(limit).strip()
    return int(text) if text.isascii() and text.isdecimal() else parse_limits(text)


def _node_metrics(snapshot: Snapshot, node: Node) -> dict[str, Any]:
    """Here `latency_p99_ms` is the real latency of requests."""
    document = documents.node_document(snapshot, node)
    return {name: value for name, value in document.items() if name not in documents.place(node)}
