"""The table of what explains what."""

from collections.abc import Callable
from dataclasses import dataclass

from subject.cluster.snapshot import Snapshot
from subject.diagnosis import related
from subject.finding import Finding

Related = Callable[[Snapshot, Finding, Finding], bool]


@dataclass(frozen=True, slots=True)
class Link:
    """That one code may explain another; `text` says how, and `related` whether it does."""

    cause: str
    effect: str
    related: Related
    text: str


LINKS: tuple[Link, ...] = (
    # What a client does.
    Link(
        "retry_storm",
        "spike_single",
        related.same_subject,
        "its retries since {since}: the same requests again",
    ),
    Link("retry_storm", "limit_breach", related.same_subject, "its retries since {since}"),
    Link("retry_storm", "hot_key", related.same_subject, "its retries since {since}"),
    Link(
        "override_malformed",
        "limit_breach",
        related.same_subject,
        "its live limit cannot be read since {since}",
    ),
    Link("spike_single", "limit_breach", related.same_subject, "its own spike since {since}"),
    Link("spike_single", "hot_key", related.same_subject, "its own spike since {since}"),
    Link("limit_breach", "hot_key", related.same_subject, "it asks for more than its limit since {since}"),
    Link("retry_storm", "node_skew", related.comes_in_there, "{cause}'s retries since {since} come in here"),
    Link("spike_single", "node_skew", related.comes_in_there, "{cause}'s spike since {since} comes in here"),
    Link("limit_breach", "node_skew", related.comes_in_there, "{cause}, over its limit, comes in here"),
    Link(
        "hot_key",
        "node_skew",
        related.comes_in_there,
        "{cause}, the busiest client, comes in through this node",
    ),
    # What nodes enforce.
    Link(
        "node_id_conflict",
        "config_drift",
        related.same_subject,
        "two gateways write as {cause} since {since}",
    ),
    Link(
        "config_drift", "retry_storm", related.mostly_there, "other limits since {since} where it is refused"
    ),
    Link(
        "config_drift", "limit_breach", related.mostly_there, "other limits since {since} where it is refused"
    ),
    # Nodes that are away.
    Link("node_flapping", "node_down", related.same_subject, "it comes and goes since {since}"),
    Link("node_flapping", "traffic_drop", related.same_subject, "it comes and goes since {since}"),
    Link("node_flapping", "fallback_active", related.same_subject, "it comes and goes since {since}"),
    Link(
        "node_down",
        "node_down",
        related.went_together,
        "it went silent with {cause}, since {since}",
    ),
    Link(
        "node_down",
        "node_skew",
        related.same_time,
        "{cause} is down since {since}, and its share went to another node",
    ),
    Link(
        "node_flapping",
        "node_skew",
        related.follows,
        "{cause} comes and goes since {since}, and its share goes to another",
    ),
    Link(
        "node_down",
        "traffic_drop",
        related.same_time,
        "{cause} is down since {since}, and its clients went with it",
    ),
    Link("node_skew", "traffic_drop", related.of_a_node, "{cause} gets its share since {since}"),
    # Redis.
    Link("store_down", "fallback_active", related.nodes_lack_it, "Redis does not answer since {since}"),
    Link("store_down", "store_slow", related.nodes_lack_it, "Redis does not answer since {since}"),
    Link(
        "store_evicting",
        "store_slow",
        related.same_time,
        "Redis evicts keys since {since}, which takes its time",
    ),
    Link(
        "store_slow",
        "fallback_active",
        related.always,
        "Redis answers later than the node's deadline since {since}",
    ),
    Link(
        "store_down",
        "retry_storm",
        related.decided_alone,
        "without Redis since {since} each node gives its own share",
    ),
    Link(
        "store_down",
        "limit_breach",
        related.decided_alone,
        "without Redis since {since} each node gives its own share",
    ),
    Link(
        "fallback_active",
        "limit_breach",
        related.decided_alone,
        "without Redis since {since} a node gives its own share",
    ),
    Link(
        "store_down",
        "traffic_drop",
        related.by_many,
        "Redis does not answer since {since}, and clients or balancers left",
    ),
    # New clients in numbers.
    Link("cardinality_attack", "spike_broad", related.same_time, "new clients in numbers since {since}"),
    Link(
        "cardinality_attack",
        "store_evicting",
        related.follows,
        "new clients in numbers since {since}: each takes room",
    ),
    Link(
        "cardinality_attack",
        "store_slow",
        related.soon_after,
        "new clients in numbers since {since}: each has its counters",
    ),
    # The service behind.
    Link(
        "upstream_degraded",
        "traffic_drop",
        related.of_the_same_node,
        "the service behind fails since {since}: clients leave",
    ),
    Link(
        "upstream_degraded",
        "spike_broad",
        related.by_many,
        "the service behind fails since {since}: clients ask again",
    ),
    Link(
        "upstream_degraded",
        "limit_breach",
        related.by_many,
        "the service behind fails since {since}: clients ask again",
    ),
    # Load.
    Link("spike_broad", "limit_breach", related.same_time, "the spike of the whole cluster since {since}"),
    Link(
        "spike_broad",
        "upstream_degraded",
        related.reaches_upstream,
        "the spike of the whole cluster since {since}",
    ),
    Link("spike_single", "upstream_degraded", related.reaches_upstream, "{cause}'s spike since {since}"),
    Link(
        "cardinality_attack",
        "upstream_degraded",
        related.reaches_upstream,
        "new clients in numbers since {since}",
    ),
    Link("spike_broad", "store_slow", related.overloads, "the spike of the whole cluster since {since}"),
    Link("spike_single", "store_slow", related.overloads, "{cause}'s spike since {since}"),
    Link("spike_broad", "fallback_active", related.overloads, "the spike of the whole cluster since {since}"),
    Link("spike_single", "fallback_active", related.overloads, "{cause}'s spike since {since}"),
)
"""The first that fits is taken, so the plainest explanation of an effect stands before the others."""
