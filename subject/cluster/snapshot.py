"""The cluster at one moment: frozen, typed, made from one look by a function without IO."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import floor

from gateway.contract import sketches
from gateway.contract.records import TelemetryRecord
from subject.cluster import samples, series
from subject.cluster.node import Node, SamplesOf, natural, node_of
from subject.cluster.policies import Policies
from subject.cluster.samples import Sample
from subject.cluster.steps import LATE_SECONDS, STEP_SECONDS, Step
from subject.cluster.view import RedisHealth, View
from subject.cluster.windows import ClientWindow

RATE_SECONDS = 10.0
"""Rates, ratios and percentiles that are shown are those of the last ten seconds."""


@dataclass(frozen=True)  # without slots, for what is cached
class Snapshot:
    """What can be said of the cluster at `at`, seconds since 1970 by Redis' clock.

    `covered_until` is the time up to which every node that is Up has reported; `first_second` the first
    whole second of which there is anything. Seconds from there to ``floor(covered_until)`` are complete.
    `unread_nodes` are the ids of nodes of which no more than that is known, since their entries cannot be
    read: one that is up, and of this version, would write a new one within a second. They count as Down.
    """

    at: float
    seen_at: float | None
    sees: bool
    redis: RedisHealth
    nodes: tuple[Node, ...]
    policies: Policies
    windows: tuple[ClientWindow, ...]
    unreadable: tuple[str, ...]
    unanswered: tuple[str, ...]
    unread_nodes: tuple[str, ...]
    first_second: int
    covered_until: float
    clients: int
    steps: tuple[Step, ...]

    @cached_property
    def up(self) -> tuple[Node, ...]:
        """The nodes that serve."""
        return tuple(node for node in self.nodes if node.is_up)

    @cached_property
    def node_ids(self) -> frozenset[str]:
        """Of the nodes that are known by more than their ids."""
        return frozenset(node.id for node in self.nodes)

    @cached_property
    def expected_up(self) -> int:
        """How many nodes would serve if all were well: those that left in order are not missed."""
        unseen = len(self.unanswered) + len(self.unread_nodes)
        return unseen + sum(node.state != "Offline" for node in self.nodes)

    @property
    def stopped_in_order(self) -> bool:
        """Whether there are nodes, and all of them have left in order."""
        return (
            bool(self.nodes) and not self.unread_nodes and all(node.state == "Offline" for node in self.nodes)
        )

    @property
    def until(self) -> int:
        """The second after the last complete one."""
        return floor(self.covered_until)

    @property
    def windows_by_client(self) -> dict[str, list[ClientWindow]]:
        """The windows that were read."""
        found: dict[str, list[ClientWindow]] = {}
        for window in self.windows:
            found.setdefault(window.client, []).append(window)
        return found

    def node(self, node_id: str) -> Node:
        """One node.

        Raises:
            KeyError: no node of the roster has this id.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def cluster_seconds(self, value: Callable[[Sample], float]) -> list[float]:
        """`value` of all nodes by complete second, from `first_second` on."""
        return series.per_second(self.all_samples(), value, self.first_second, self.until)

    @cached_property
    def requests_by_node(self) -> dict[str, list[float]]:
        """Each node's requests by complete second, from `first_second` on."""
        return {
            node.id: series.per_second(node.samples, series.requests, self.first_second, self.until)
            for node in self.nodes
        }

    @cached_property
    def requests(self) -> list[float]:
        """The same of the cluster."""
        none = [0.0] * max(0, self.until - self.first_second)
        return [sum(second) for second in zip(none, *self.requests_by_node.values(), strict=True)]

    def rows_by_client(
        self, field: Callable[[Sample], Mapping[str, int]], clients: Iterable[str]
    ) -> dict[str, list[float]]:
        """What `field` has of each of these clients by complete second, as far as nodes listed it."""
        return series.rows_by_client(self.all_samples(), field, clients, self.first_second, self.until)

    def lately(self, value: Callable[[Sample], float], nodes: Iterable[Node]) -> float:
        """The sum of `value` over the last `RATE_SECONDS` at these nodes."""
        end = self.covered_until
        samples = (sample for node in nodes for sample in node.samples)
        return series.counted(samples, value, end - RATE_SECONDS, end)

    def lately_by_client(
        self, field: Callable[[Sample], Mapping[str, int]], nodes: Iterable[Node]
    ) -> dict[str, float]:
        """Each client's sum of it, as far as these nodes list it."""
        end = self.covered_until
        samples = (sample for node in nodes for sample in node.samples)
        return series.by_client(samples, field, end - RATE_SECONDS, end)

    def all_samples(self) -> Iterable[Sample]:
        """Every node's samples."""
        return (sample for node in self.nodes for sample in node.samples)

    def late_samples(self, start: float) -> Iterable[Sample]:
        """Those that have a part after `start`."""
        return (sample for node in self.nodes for sample in series.ending_after(node.samples, start))


def take(view: View, node_down_seconds: float, samples_of: SamplesOf = samples.made_of) -> Snapshot:
    """The snapshot of a look. Nodes that left in order are forgotten after a while; Down ones never.

    `samples_of` makes the samples of one node's records.
    """
    records: dict[str, list[TelemetryRecord]] = {}
    for record in view.records:
        records.setdefault(record.node_id, []).append(record)
    roster = {**view.roster, **view.states}
    nodes = tuple(
        node
        for node_id, entry in sorted(roster.items(), key=lambda item: natural(item[0]))
        if (node := node_of(node_id, entry, records.get(node_id, []), view, node_down_seconds, samples_of))
        is not None
    )
    starts = [sample.start for node in nodes for sample in node.samples]
    up = [node.last.at for node in nodes if node.is_up]
    # One that answers, and whose clock is behind, does not hide what all others have told since.
    reported = min((at for at in up if view.at - at <= node_down_seconds), default=max(up, default=view.at))
    return Snapshot(
        at=view.at,
        seen_at=view.seen_at,
        sees=view.sees,
        redis=view.redis,
        nodes=nodes,
        policies=view.policies,
        windows=view.windows,
        unreadable=view.unreadable,
        unanswered=view.unanswered,
        unread_nodes=tuple(sorted(set(view.unread_nodes) - roster.keys(), key=natural)),
        first_second=floor(min(starts, default=view.at)),
        covered_until=min(reported, view.at),
        clients=sketches.estimate_clients(sketches.merge_sketches(node.last.clients for node in nodes)),
        steps=tuple(step for step in view.steps if step.start + STEP_SECONDS + LATE_SECONDS <= view.at),
    )
