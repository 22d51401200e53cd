"""A finding with the cluster that it was found in, and the facts that speak for or against its causes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from statistics import median

from gateway.contract.limits import Limits
from subject.causes.cause import Fact
from subject.cluster import metrics, series
from subject.cluster.live_limits import LiveLimit, live_limits
from subject.cluster.node import Node
from subject.cluster.snapshot import RATE_SECONDS, Snapshot
from subject.figures import number, percent
from subject.finding import Finding
from subject.thresholds import Thresholds

LAG_MS = 25.0
"""An event loop that is this late has little of its processor left."""
BUSY_PERCENT = 85.0
FULL = 0.9
MORE = 1.5
"""Times the usual, from which a rate is plainly higher."""
LATELY_SECONDS = 120.0
"""A change so shortly before a problem may have brought it."""
COUNTER_BYTES = 2000
"""What a client whose window is full takes in Redis."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about one finding. Numbers are those of the last ten seconds."""

    snapshot: Snapshot
    thresholds: Thresholds
    finding: Finding

    def now(self, metric: str) -> float | None:
        """A piece of the finding's evidence."""
        return next((item.now for item in self.finding.evidence if item.metric == metric), None)

    @property
    def node(self) -> Node | None:
        """The node that it is about, where it is about one that is known."""
        known = (node for node in self.snapshot.nodes if node.id == self.finding.subject.id)
        return next(known, None) if self.finding.subject.kind == "node" else None

    @property
    def nodes(self) -> Sequence[Node]:
        """That node, else those that are up."""
        return self.snapshot.up if self.node is None else (self.node,)

    @property
    def others(self) -> tuple[Node, ...]:
        """The nodes that are up and that it is not about."""
        return tuple(node for node in self.snapshot.up if node is not self.node)

    @property
    def lasting(self) -> Fact:
        """For how many seconds it has been so."""
        held = self.snapshot.at - self.finding.since
        return Fact(f"it lasts for {held:,.0f} s", held)

    @property
    def round_trip(self) -> Fact:
        """Milliseconds from the subject to Redis and back."""
        seconds = self.snapshot.redis.round_trip_seconds if self.snapshot.redis.connected else None
        if seconds is None:
            return Fact("", None)
        return Fact(f"a round trip from here to Redis takes {_ms(1000 * seconds)}", 1000 * seconds)

    @property
    def loop_lag(self) -> Fact:
        """Milliseconds by which an event loop was late in the last second."""
        worst = max(self.nodes, key=lambda node: node.last.loop_lag_seconds, default=None)
        if worst is None:
            return Fact("", None)
        lag = 1000 * worst.last.loop_lag_seconds
        return Fact(f"{worst.id}'s event loop is late by {_ms(lag)} at most", lag)

    @property
    def cpu(self) -> Fact:
        """Percent of a processor, of several workers in the mean."""
        used = [(metrics.busy_percent(self.snapshot, node), node.id) for node in self.nodes]
        if not used:
            return Fact("", None)
        percents, node_id = max(used)
        workers = self.snapshot.node(node_id).last.workers
        each = "a processor" if workers < 2 else f"each of {workers} processors"
        return Fact(f"{node_id} uses {percents:.0f} % of {each}", percents)

    @property
    def memory(self) -> Fact:
        """How full Redis is, 0…1."""
        redis = self.snapshot.redis
        if not redis.connected or not redis.maximum_bytes:
            return Fact("", None)
        ratio = redis.used_bytes / redis.maximum_bytes
        return Fact(f"Redis uses {percent(ratio)} of its memory", ratio)

    @property
    def evictions(self) -> Fact:
        """Keys that Redis evicted."""
        told = [self.snapshot.lately(lambda sample: sample.evicted, (node,)) for node in self.snapshot.up]
        keys = max(told, default=0.0)
        return Fact(f"Redis evicted {number(keys)} keys in 10 s", keys)

    @property
    def rise(self) -> Fact:
        """The cluster's rate over the usual one of before."""
        return self._beside_usual(self.snapshot.requests, "requests")

    @property
    def newcomers(self) -> Fact:
        """New clients over the usual number."""
        counts = self.snapshot.cluster_seconds(lambda sample: sample.new_clients)
        return self._beside_usual(counts, "new clients")

    @property
    def refusals(self) -> Fact:
        """The refused part of all requests."""
        ratio = metrics.of_cluster(self.snapshot).rejection_ratio
        return Fact(f"{percent(ratio)} of all requests are refused", ratio)

    @property
    def failures(self) -> Fact:
        """The failed part of all requests."""
        ratio = metrics.of_cluster(self.snapshot).failure_ratio
        return Fact(f"{percent(ratio)} of all requests fail", ratio)

    @property
    def fallbacks(self) -> Fact:
        """The part of the decisions that were made without Redis."""
        ratio = metrics.of_cluster(self.snapshot).fallback_ratio
        return Fact(f"{percent(ratio)} of the decisions are made without Redis", ratio)

    @property
    def versions(self) -> Fact:
        """How many versions the nodes that are up are of."""
        found = sorted({node.entry.version for node in self.snapshot.up})
        if len(found) > 1:
            return Fact(f"nodes have versions {', '.join(found)}", len(found))
        return Fact(f"all nodes have version {''.join(found)}", len(found))

    @property
    def went_before(self) -> Fact:
        """Nodes that were started, or read their files anew, shortly before it began."""
        since = self.finding.since
        changed = [node.id for node in self.snapshot.nodes if _lately(node.last.started_at, since)]
        reloaded = [node.id for node in self.snapshot.nodes if _lately(node.last.reloads.at, since)]
        parts = [f"{', '.join(changed[:3])} started"] if changed else []
        parts += [f"{', '.join(reloaded[:3])} read files anew"] if reloaded else []
        told = " and ".join(parts) or "no node was started or read its files anew"
        return Fact(f"{told} in the two minutes before", len({*changed, *reloaded}))

    def of_client(self, client: str, start: float, end: float) -> tuple[float, float]:
        """A client's requests and refusals a second in that time, as far as nodes list it."""
        samples = list(self.snapshot.all_samples())
        seconds = max(1.0, end - start)
        requests = series.counted(samples, lambda one: one.requests_by_client.get(client, 0), start, end)
        refused = series.counted(samples, lambda one: one.refused_by_client.get(client, 0), start, end)
        return max(requests, refused) / seconds, refused / seconds

    def first_seen(self, client: str, before: float) -> float | None:
        """The second before that one in which nodes first list the client; None where they do in none."""
        samples = self.snapshot.all_samples()
        starts = (
            max(sample.start, float(self.snapshot.first_second))
            for sample in samples
            if sample.start < before
            and (sample.requests_by_client.get(client) or sample.refused_by_client.get(client))
        )
        found = min(starts, default=None)
        return None if found is None else float(floor(found))

    def by_client(self, *nodes: Node) -> dict[str, float]:
        """Requests by client at these nodes, as far as they list them."""
        return self.snapshot.lately_by_client(series.requests_of_clients, nodes)

    def changed_lately(self, client: str) -> Fact:
        """Whether the client's limit was changed live shortly before it began."""
        policies, since = self.snapshot.policies, self.finding.since
        live = [one for one in live_limits(policies, client) if one.since <= self.snapshot.at]
        shortly = [one for one in live if _lately(one.since, since)]
        if shortly:
            return Fact(
                f"{shortly[-1].told} shortly before", 0.0 if self._is_raised(client, shortly[-1]) else 1.0
            )
        if live and live[-1].since > since:
            return Fact(f"{live[-1].told} only after it began", 0.0)
        if policies.changes is None or not live:
            return Fact("no live limit that it has now was given to it shortly before (see subject why)", 0.0)
        return Fact("its limit was not changed live shortly before", 0.0)

    def _is_raised(self, client: str, changed: LiveLimit) -> bool:
        """Whether more passes in the long run by this change than before it, as far as both are known."""
        usual = self.snapshot.policies.usual_of(client)
        limits = [changed.before, changed.limit]
        rates = [_rate(one or (None if usual is None else usual.limits)) for one in limits]
        return rates[0] is not None and rates[1] is not None and rates[1] > rates[0]

    def _beside_usual(self, counts: Sequence[float], what: str) -> Fact:
        """A rate of now over the median of those before, and before the finding began."""
        window = int(RATE_SECONDS)
        began = max(0, int(self.finding.since) - self.snapshot.first_second)
        before = counts[: min(began, max(0, len(counts) - 1))]
        shown = counts[-window:][-max(1, len(counts) - began) :]
        if len(before) < window or not shown:
            return Fact("", None)
        usual, rate = median(before), sum(shown) / len(shown)
        text = f"{number(rate)} {what} a second, beside {number(usual)} usually"
        return Fact(text, rate / max(usual, 1.0))


def _lately(at: float | None, since: float) -> bool:
    return at is not None and since - LATELY_SECONDS <= at <= since + 1.0


def _rate(limits: Limits | None) -> float | None:
    """Requests a second in the long run."""
    return None if limits is None else min(one.quota / one.period_seconds for one in limits.windows)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"
