"""spike_broad and spike_single: far more requests than usual, from many clients or from one."""

from dataclasses import dataclass
from math import ceil

from gateway.contract.limits import Limit
from subject import series
from subject.detectors import rates
from subject.detectors.thresholds import Thresholds
from subject.finding import CLUSTER, Evidence, Finding, Target, clock, confidence, number, percent
from subject.snapshot import RATE_SECONDS, Snapshot

BEFORE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Spike:
    since: int
    until: int
    usual: float
    rate: float
    z: float
    client: str | None  # who makes up most of the excess
    client_rate: float
    client_usual: float
    client_share: float  # of the excess
    client_refused: float  # per second


def spikes(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """One finding where the cluster's rate is anomalous: whose it is depends on who makes up the excess."""
    requests = snapshot.cluster_seconds(lambda sample: sample.totals.requests)
    judged = rates.judge(requests, thresholds)
    place = rates.run_of_anomalies(judged, thresholds)
    if place is None:
        return []
    recent = [second for second in judged[place:][-int(RATE_SECONDS) :] if second.anomalous]
    usual = next(second.usual for second in reversed(recent)) or 0.0
    rate = sum(second.rate for second in recent) / len(recent)
    z = sum(second.z for second in recent) / len(recent)
    spike = _with_client(snapshot, snapshot.first_second + place, usual, rate, z)
    if spike.client is not None and spike.client_share >= thresholds.spike_client_share:
        return [_single(snapshot, thresholds, spike, spike.client)]
    return [_broad(snapshot, thresholds, spike)]


def _with_client(snapshot: Snapshot, since: int, usual: float, rate: float, z: float) -> _Spike:
    until = snapshot.until
    start = max(since, until - int(RATE_SECONDS))
    samples = list(snapshot.all_samples())
    before = max(snapshot.first_second + 1, since - BEFORE_SECONDS)  # the first second may be a part

    def client_rates(start: int, until: int) -> dict[str, float]:
        counts = series.by_client(samples, lambda sample: sample.requests_by_client, start, until)
        return {client: count / max(1, until - start) for client, count in counts.items()}

    now, earlier = client_rates(start, until), client_rates(before, since)
    client = max(now, key=lambda name: now[name] - earlier.get(name, 0.0), default=None)
    if client is None:
        return _Spike(since, until, usual, rate, z, None, 0.0, 0.0, 0.0, 0.0)
    mine, mine_before = now[client], earlier.get(client, 0.0)
    share = min(1.0, max(0.0, mine - mine_before) / max(rate - usual, 1e-9))
    refused = series.counted(samples, lambda sample: sample.refused_by_client.get(client, 0), start, until)
    refused_rate = refused / max(1, until - start)
    return _Spike(since, until, usual, rate, z, client, mine, mine_before, share, refused_rate)


def _single(snapshot: Snapshot, thresholds: Thresholds, spike: _Spike, client: str) -> Finding:
    applied = snapshot.policies.applied_to(client)
    limit = None if applied is None else applied.limit
    held = "" if limit is None else f"; its limit is {limit}"
    if spike.client_refused:
        held += f", and {percent(min(1.0, spike.client_refused / spike.client_rate))} of it is refused"
    return Finding(
        code="spike_single",
        severity="warning",
        since=spike.since,
        at=snapshot.at,
        subject=Target("client", client),
        summary=(
            f"{client} sends {number(spike.client_rate)} requests a second (before: "
            f"{number(spike.client_usual)}), {percent(spike.client_share)} of a rise of the cluster's rate "
            f"from {number(spike.usual)} to {number(spike.rate)} since {clock(spike.since)}{held}"
        ),
        evidence=(
            *_cluster_evidence(spike),
            Evidence("client_rate", round(spike.client_usual, 2), round(spike.client_rate, 2), "requests/s"),
            Evidence("share_of_excess", thresholds.spike_client_share, round(spike.client_share, 3), "ratio"),
        ),
        confidence=confidence(spike.z / thresholds.spike_z, spike.until - spike.since),
        likely_cause=f"{client} is in a retry loop, runs a batch, or its key is being misused",
        suggested_action=_cap(client, spike, limit),
        verify_with="subject top",
    )


def _cap(client: str, spike: _Spike, limit: Limit | None) -> str:
    """Hold the client to half again what it used before, unless its limit holds it already."""
    if limit is None or spike.client_refused > spike.client_rate / 2:
        return f"subject limits get {client}"
    quota = max(1, ceil(1.5 * spike.client_usual * limit.period_seconds))
    if spike.client_usual == 0 or quota >= limit.quota:
        return f"subject limits get {client}"
    capped = Limit(quota, limit.period_seconds)
    return f"subject limits set {client} {capped} --why 'spike since {clock(spike.since)}'"


def _broad(snapshot: Snapshot, thresholds: Thresholds, spike: _Spike) -> Finding:
    busiest = (
        "" if spike.client is None else f", of which {spike.client} makes up {percent(spike.client_share)}"
    )
    return Finding(
        code="spike_broad",
        severity="warning",
        since=spike.since,
        at=snapshot.at,
        subject=CLUSTER,
        summary=(
            f"The cluster gets {number(spike.rate)} requests a second instead of {number(spike.usual)} since "
            f"{clock(spike.since)}; no client makes up half of the rise{busiest}"
        ),
        evidence=(
            *_cluster_evidence(spike),
            Evidence("share_of_excess", thresholds.spike_client_share, round(spike.client_share, 3), "ratio"),
        ),
        confidence=confidence(spike.z / thresholds.spike_z, spike.until - spike.since),
        likely_cause="more users, or a job or a deployment that many clients take part in",
        suggested_action="subject top",
        verify_with="subject status",
    )


def _cluster_evidence(spike: _Spike) -> tuple[Evidence, ...]:
    return (
        Evidence("cluster_rate", round(spike.usual, 2), round(spike.rate, 2), "requests/s"),
        Evidence("standard_deviations", 0.0, round(spike.z, 1), "sd"),
    )
