"""The numbers that decide whether something is found. Each is a setting, with ``SUBJECT_`` before its name.

Those that only choose the words of what was found, or its confidence, are constants of their detector, and
docs/detectors.md names them too.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Ratio = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[float, Field(gt=1, le=1000)]
WholeSeconds = Annotated[int, Field(ge=1, le=600)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Thresholds(BaseModel):
    """What counts as an anomaly. docs/detectors.md says how each is used."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    baseline_seconds: WholeSeconds = Field(default=120, description="how far back the usual is learned from")
    history_seconds: Annotated[int, Field(ge=0, le=21_600)] = Field(
        default=900, description="how long an anomaly may last before it is the usual"
    )
    baseline_min_seconds: WholeSeconds = Field(default=15, description="seconds to have seen before judging")

    clear_ratio: Ratio = Field(
        default=0.7, description="part of a threshold down to which what was found goes on"
    )

    spike_z: float = Field(default=5.0, gt=0, description="standard deviations above the usual rate")
    spike_ratio: Factor = Field(default=1.5, description="times the usual rate")
    spike_seconds: WholeSeconds = Field(
        default=2, description="anomalous seconds of the last SPIKE_OF_SECONDS"
    )
    spike_of_seconds: WholeSeconds = Field(
        default=3, description="the seconds that SPIKE_SECONDS are counted in"
    )
    spike_recent_seconds: WholeSeconds = Field(
        default=10, description="the seconds whose median a spike exceeds too: what rises steadily is none"
    )
    spike_client_share: Ratio = Field(
        default=0.5, description="one client's part of the excess from which it is its"
    )

    skew_seconds: WholeSeconds = Field(default=10, description="the window that shares are compared over")
    skew_quick_seconds: WholeSeconds = Field(
        default=5, description="a shorter one besides, for traffic that is enough to tell by it"
    )
    skew_ratio: Factor = Field(default=1.5, description="the busiest node's rate over the mean")
    skew_two_node_share: float = Field(
        default=0.75, gt=0.5, lt=1, description="the busier of two nodes' share"
    )
    skew_min_seconds: WholeSeconds = Field(default=3, description="seconds of the window that show it")
    skew_p: float = Field(
        default=1e-6, gt=0, lt=1, description="chance of such shares if traffic were spread evenly"
    )

    store_slow_seconds: WholeSeconds = Field(
        default=5, description="the window that round trips are judged over"
    )
    store_slow_ms: float = Field(
        default=10.0, gt=0, description="median and 99th percentile that are never slow"
    )
    store_slow_ratio: Factor = Field(default=5.0, description="times the usual median or 99th percentile")
    store_slow_min_seconds: WholeSeconds = Field(
        default=3, description="seconds of the window with slow round trips"
    )

    store_down_seconds: WholeSeconds = Field(default=2, description="seconds without any decision by Redis")
    store_down_fallbacks: Count = Field(
        default=3, description="decisions without it in that time: one late reply is no outage"
    )

    fallback_seconds: WholeSeconds = Field(
        default=3, description="the window that fallbacks are counted over"
    )
    fallback_ratio: Ratio = Field(default=0.01, description="part of the decisions made without Redis")
    fallback_min_seconds: WholeSeconds = Field(default=2, description="seconds of the window with fallbacks")
    fallback_least: Count = Field(
        default=3, description="fallbacks of the window: a late reply now and then is no state of affairs"
    )

    breach_seconds: WholeSeconds = Field(default=10, description="the window that refusals are counted over")
    breach_refused: Count = Field(default=20, description="refusals of one client")
    breach_min_requests: Count = Field(
        default=100, description="requests of the cluster before its ratio counts"
    )
    breach_ratio: Ratio = Field(default=0.2, description="refused part of the cluster's requests")
    breach_clients: Count = Field(default=5, description="clients named one by one; more are one finding")

    retry_storm_seconds: WholeSeconds = Field(
        default=5, description="the window that retries are counted over"
    )
    retry_storm_rate: float = Field(
        default=10.0, gt=0, description="requests a second of one client, of which most are refused"
    )
    retry_storm_ratio: Ratio = Field(default=0.8, description="refused part of them")

    hot_key_seconds: WholeSeconds = Field(default=5, description="the window that shares are compared over")
    hot_key_rate: float = Field(
        default=20.0, gt=0, description="requests a second of the cluster, below which shares say little"
    )
    hot_key_share: Ratio = Field(default=0.4, description="one client's part of the requests")
    hot_key_clients: Count = Field(default=10, description="clients that are active, the least")

    upstream_seconds: WholeSeconds = Field(
        default=10, description="the window that answers of the upstream are judged over"
    )
    upstream_answers: Count = Field(default=10, description="answers in it, the least to judge by")
    upstream_failure_ratio: Ratio = Field(default=0.05, description="failed part of them")
    upstream_slow_ms: float = Field(default=250.0, gt=0, description="99th percentile that is never slow")
    upstream_slow_ratio: Factor = Field(default=5.0, description="times the usual 99th percentile")
    upstream_min_seconds: WholeSeconds = Field(default=3, description="seconds of the window that show it")

    drop_seconds: WholeSeconds = Field(default=4, description="seconds in a row with little traffic")
    drop_ratio: float = Field(default=0.2, gt=0, lt=1, description="part of the usual rate that is little")
    drop_least_rate: float = Field(
        default=5.0, gt=0, description="usual requests a second, the least to judge"
    )

    cardinality_seconds: WholeSeconds = Field(
        default=5, description="the window that new clients are counted over"
    )
    cardinality_rate: float = Field(
        default=20.0, gt=0, description="new clients a second that are usual anywhere"
    )
    cardinality_ratio: Factor = Field(default=10.0, description="times the usual new clients")
    cardinality_share: Ratio = Field(default=0.3, description="new clients for each of the requests")

    flapping_seconds: WholeSeconds = Field(default=60, description="the window that changes are counted over")
    flapping_changes: Count = Field(default=3, description="starts, and silences while others wrote")
    conflict_seconds: float = Field(
        default=2.0, gt=0, description="seconds that two starts of one id write side by side"
    )
    drift_seconds: float = Field(default=3.0, gt=0, description="seconds that nodes enforce different limits")

    clock_skew_seconds: float = Field(
        default=1.0, gt=0, description="seconds that a node's clock may be off Redis'"
    )

    store_evicting_seconds: WholeSeconds = Field(
        default=10, description="the window that evicted keys are counted over"
    )
    store_evicting_keys: Count = Field(default=1, description="keys that Redis evicted in it")

    node_down_seconds: float = Field(
        default=2.5, ge=1.5, le=600, description="silence after which a node is Down"
    )
