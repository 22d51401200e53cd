"""What is looked for. A detector is a pure function of a snapshot and the thresholds."""

from collections.abc import Callable

from subject.cluster.snapshot import Snapshot
from subject.detectors.boots import node_flapping, node_id_conflict
from subject.detectors.breach import limit_breach
from subject.detectors.cardinality import cardinality_attack
from subject.detectors.clocks import clock_skew
from subject.detectors.drift import config_drift
from subject.detectors.drop import traffic_drop
from subject.detectors.evictions import store_evicting
from subject.detectors.fallback import fallback_active
from subject.detectors.hot_key import hot_key
from subject.detectors.nodes import node_down
from subject.detectors.observer import observer_blind
from subject.detectors.overrides import override_malformed
from subject.detectors.retry_storm import retry_storm
from subject.detectors.skew import node_skew
from subject.detectors.spikes import spikes
from subject.detectors.store_down import store_down
from subject.detectors.store_slow import store_slow
from subject.detectors.upstream import upstream_degraded
from subject.finding import Finding
from subject.thresholds import Thresholds

Detector = Callable[[Snapshot, Thresholds], list[Finding]]

ALL: tuple[Detector, ...] = (
    observer_blind,
    store_down,
    node_down,
    store_slow,
    fallback_active,
    upstream_degraded,
    cardinality_attack,
    spikes,
    node_skew,
    traffic_drop,
    retry_storm,
    limit_breach,
    hot_key,
    node_flapping,
    node_id_conflict,
    config_drift,
    store_evicting,
    clock_skew,
    override_malformed,
)
