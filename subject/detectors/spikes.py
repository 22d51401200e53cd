"""spike_broad and spike_single: far more requests than usual, from many clients or from one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import mean, median

from gateway.contract.limits import Limit, Limits
from subject.cluster import series
from subject.cluster.snapshot import RATE_SECONDS, Snapshot
from subject.detectors import onset, rates
from subject.detectors.opening import Opening
from subject.detectors.rates import Second
from subject.figures import clock, number, percent
from subject.finding import CLUSTER, Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

BUSIEST = 20
"""The clients whose rise is looked at."""
CAP_TIME = "10m"
"""What is pasted in a hurry ends by itself."""
LEAST_CAP_RATE = 1.0
"""Requests a second that are left to a client that sent hardly any before."""


@dataclass(frozen=True, slots=True)
class _ClientShare:
    """What one client adds to a spike, per second."""

    id: str
    rate: float
    usual: float
    refused: float
    of_excess: float  # 0…1


@dataclass(frozen=True, slots=True)
class _Spike:
    """Rates are per second."""

    since: int
    usual: float
    rate: float
    z: float
    client: _ClientShare | None  # who makes up most of the excess

    @property
    def client_share(self) -> float:
        return 0.0 if self.client is None else self.client.of_excess


def spikes(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """One finding where the cluster's rate is anomalous: whose it is depends on who makes up the excess."""
    opening = rates.opening_spike(snapshot, thresholds)
    judged = rates.judge(
        snapshot.requests, thresholds, rates.taught_by(opening), is_start=rates.is_start(snapshot)
    )
    place = rates.run_of_anomalies(judged, thresholds)
    if place is None:
        return []
    first = snapshot.first_second
    if opening is not None and first + place > opening.latest:
        opening = None  # that one is over, and this is another
    recent = [second for second in judged[place:][-int(RATE_SECONDS) :] if second.anomalous]
    usual = next(second.usual for second in reversed(recent)) or 0.0
    rate = sum(second.rate for second in recent) / len(recent)
    z = sum(second.z for second in recent) / len(recent)
    if rates.is_known_level(snapshot, rate, thresholds):
        return []  # what comes back, as after a drop
    since = first + place if opening is None else opening.began(first + place, first)
    client = _heaviest(snapshot, judged[:place], since, rate - usual, opening)
    spike = _Spike(since, usual=usual, rate=rate, z=z, client=client)
    if client is not None and _is_of(client, snapshot, spike, place, thresholds):
        return [_single(snapshot, thresholds, spike, client)]
    return [_broad(snapshot, thresholds, spike)]


def _heaviest(
    snapshot: Snapshot, earlier: Sequence[Second], since: int, excess: float, opening: Opening | None
) -> _ClientShare | None:
    """The client that has risen most, over its usual in the seconds that taught the cluster's usual."""
    until = snapshot.until
    start = max(since, until - int(RATE_SECONDS))
    samples = list(snapshot.late_samples(start))
    taught = [place for place, second in enumerate(earlier) if second.teaches]
    now = {
        client: count / max(1, until - start)
        for client, count in series.by_client(samples, series.requests_of_clients, start, until).items()
    }
    # Who makes up half of the excess is among the first six: that is at least a third of all requests.
    busiest = sorted(now, key=lambda name: -now[name])[:BUSIEST]
    rows = snapshot.rows_by_client(series.requests_of_clients, busiest)
    if opening is None:
        usual = {client: _usual(row, taught) for client, row in rows.items()}
    else:
        usual = {client: _usual_before(client, opening) for client in busiest}
    client = max(busiest, key=lambda name: now[name] - usual[name], default=None)
    if client is None:
        return None
    refused = series.counted(samples, lambda sample: sample.refused_by_client.get(client, 0), start, until)
    return _ClientShare(
        client,
        rate=now[client],
        usual=usual[client],
        refused=refused / max(1, until - start),
        of_excess=min(1.0, max(0.0, now[client] - usual[client]) / max(excess, 1e-9)),
    )


def _is_of(
    client: _ClientShare, snapshot: Snapshot, spike: _Spike, place: int, thresholds: Thresholds
) -> bool:
    """Whether the excess is one client's: found so at some second of this spike, and still mostly so."""
    if client.of_excess >= thresholds.spike_client_share:
        return True
    own = snapshot.rows_by_client(series.requests_of_clients, [client.id])[client.id]
    window = int(RATE_SECONDS)
    its = onset.Sums([rate - client.usual for rate in own[place:]], window)
    whole = onset.Sums([rate - spike.usual for rate in snapshot.requests[place:]], window)

    def held(second: int, part: float) -> bool:
        return its(second) >= part * thresholds.spike_client_share * whole(second) > 0

    last = len(own) - 1 - place
    return (
        onset.raised(last, min(last, thresholds.spike_seconds - 1), held, thresholds.clear_ratio) is not None
    )


def _usual(row: Sequence[float], taught: Sequence[int]) -> float:
    """Requests a second: the mean is fair to a client that sends now and then, and the median to one that
    always sends, since the first and the last second of its run are parts of one."""
    if not taught:
        return 0.0
    counts = [row[place] for place in taught]
    return max(mean(counts), median(counts))


def _usual_before(client: str, opening: Opening) -> float:
    """The same by the steps before, as far as nodes listed it there."""
    rates = opening.taught(lambda step: step.clients.get(client, 0.0))
    return mean(rates) if rates else 0.0


def _single(snapshot: Snapshot, thresholds: Thresholds, spike: _Spike, client: _ClientShare) -> Finding:
    applied = snapshot.policies.applied_to(client.id)
    limits = None if applied is None else applied.limits
    held = "" if limits is None else f"; its limit is {limits}"
    if client.refused:
        held += f", and {percent(min(1.0, client.refused / client.rate))} of it is refused"
    return Finding(
        code="spike_single",
        severity="warning",
        since=spike.since,
        at=snapshot.at,
        subject=Target("client", client.id),
        summary=(
            f"{client.id} sends {number(client.rate)} requests a second (before: {number(client.usual)}), "
            f"{percent(client.of_excess)} of a rise of the cluster's rate from {number(spike.usual)} to "
            f"{number(spike.rate)} since {clock(spike.since)}{held}"
        ),
        evidence=(
            *_cluster_evidence(spike, thresholds),
            Evidence("client_rate", round(client.usual, 2), round(client.rate, 2), "requests/s"),
            Evidence("share_of_excess", thresholds.spike_client_share, round(spike.client_share, 3), "ratio"),
        ),
        confidence=confidence(spike.z / thresholds.spike_z, snapshot.until - spike.since),
        suggested_action=_cap(spike, client, limits),
        verify_with="subject top",
    )


def _cap(spike: _Spike, client: _ClientShare, limits: Limits | None) -> str:
    """Hold the client for a while to half again what it used before, unless its limit holds it already."""
    look = command("subject", "limits", "get", client.id)
    if limits is None or client.usual == 0 or client.refused > client.rate / 2:
        return look
    rate = max(LEAST_CAP_RATE, 1.5 * client.usual)
    capped = Limits(tuple(_capped(limit, rate) for limit in limits.windows))
    if capped == limits:
        return look
    why = f"spike since {clock(spike.since)}"
    return command("subject", "limits", "set", client.id, str(capped), "--why", why, "--for", CAP_TIME)


def _capped(limit: Limit, rate: float) -> Limit:
    return Limit(min(limit.quota, max(1, ceil(rate * limit.period_seconds))), limit.period_seconds)


def _broad(snapshot: Snapshot, thresholds: Thresholds, spike: _Spike) -> Finding:
    client = spike.client
    busiest = "" if client is None else f", of which {client.id} makes up {percent(client.of_excess)}"
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
            *_cluster_evidence(spike, thresholds),
            Evidence("share_of_excess", thresholds.spike_client_share, round(spike.client_share, 3), "ratio"),
        ),
        confidence=confidence(spike.z / thresholds.spike_z, snapshot.until - spike.since),
        suggested_action="subject top",
        verify_with="subject status",
    )


def _cluster_evidence(spike: _Spike, thresholds: Thresholds) -> tuple[Evidence, ...]:
    return (
        Evidence("cluster_rate", round(spike.usual, 2), round(spike.rate, 2), "requests/s"),
        Evidence("standard_deviations", thresholds.spike_z, round(spike.z, 1), "sd"),
    )
