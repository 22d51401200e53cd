"""Why: for each code the causes that an operator would think of, the likeliest in this snapshot first."""

from collections.abc import Callable, Mapping

from subject.causes import clients, nodes, observer, store, traffic, upstream
from subject.causes.case import Case
from subject.causes.cause import Cause, Suspect, ranked

BY_CODE: Mapping[str, Callable[[Case], list[Suspect]]] = {
    "observer_blind": observer.observer_blind,
    "store_down": store.store_down,
    "store_slow": store.store_slow,
    "store_evicting": store.store_evicting,
    "fallback_active": store.fallback_active,
    "override_malformed": store.override_malformed,
    "node_down": nodes.node_down,
    "node_flapping": nodes.node_flapping,
    "node_id_conflict": nodes.node_id_conflict,
    "node_skew": nodes.node_skew,
    "config_drift": nodes.config_drift,
    "clock_skew": nodes.clock_skew,
    "spike_broad": traffic.spike_broad,
    "traffic_drop": traffic.traffic_drop,
    "cardinality_attack": traffic.cardinality_attack,
    "hot_key": clients.hot_key,
    "spike_single": clients.spike_single,
    "retry_storm": clients.retry_storm,
    "limit_breach": clients.limit_breach,
    "upstream_degraded": upstream.upstream_degraded,
}


def causes_of(case: Case) -> tuple[Cause, ...]:
    """At least two, the likeliest first."""
    return ranked(BY_CODE[case.finding.code](case))
