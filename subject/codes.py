"""The codes of all findings. docs/detectors.md says what each means."""

CODES = (
    "spike_broad",
    "spike_single",
    "node_skew",
    "store_slow",
    "store_down",
    "fallback_active",
    "limit_breach",
    "retry_storm",
    "hot_key",
    "cardinality_attack",
    "upstream_degraded",
    "traffic_drop",
    "node_down",
    "node_flapping",
    "node_id_conflict",
    "config_drift",
    "store_evicting",
    "clock_skew",
    "override_malformed",
    "observer_blind",
)
