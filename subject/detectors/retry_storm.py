"""retry_storm: a client that is refused comes back at once, instead of when it was told."""

from dataclasses import dataclass

from subject.cluster import series
from subject.cluster.snapshot import Snapshot
from subject.detectors import onset
from subject.detectors.limit_words import limit_of
from subject.figures import clock, number, percent
from subject.finding import Evidence, Finding, Target, command, confidence
from subject.thresholds import Thresholds

TOLD_SECONDS = 1
"""The least that a 429's Retry-After says."""


@dataclass(frozen=True, slots=True)
class _Storm:
    client: str
    rate: float  # requests per second
    ratio: float  # of these refused
    since: int


def retry_storm(snapshot: Snapshot, thresholds: Thresholds) -> list[Finding]:
    """Each client by itself. Who is denied is told 403, and not when to come back."""
    until, window = snapshot.until, thresholds.retry_storm_seconds
    if until - snapshot.first_second < window:
        return []
    counts = series.by_client(
        snapshot.late_samples(until - window), series.refusals_of_clients, until - window, until
    )
    part = thresholds.clear_ratio
    least = part * thresholds.retry_storm_ratio * (part * thresholds.retry_storm_rate * window - 1)
    busiest_first = sorted(counts.items(), key=lambda item: -item[1])
    clients = [client for client, count in busiest_first if count >= least]
    clients = [client for client in clients if not snapshot.policies.is_denied(client)]
    refused = snapshot.rows_by_client(series.refusals_of_clients, clients)
    asked = snapshot.rows_by_client(series.requests_of_clients, clients)
    storms = (_storm(snapshot, thresholds, client, asked[client], refused[client]) for client in clients)
    return [_finding(snapshot, thresholds, storm) for storm in storms if storm is not None]


def _storm(
    snapshot: Snapshot, thresholds: Thresholds, client: str, asked: list[float], refused: list[float]
) -> _Storm | None:
    window = thresholds.retry_storm_seconds
    # Nodes list whom they refuse most and who asks most: a client may stand in the first list only.
    requests = [max(pair) for pair in zip(asked, refused, strict=True)]
    requests_in, refused_in = onset.Sums(requests, window), onset.Sums(refused, window)

    def held(last: int, part: float) -> bool:
        count = requests_in(last)
        return (
            onset.enough(count, thresholds.retry_storm_rate * window, part)
            and refused_in(last) >= part * thresholds.retry_storm_ratio * count
        )

    def shows(second: int) -> bool:
        return refused[second] > thresholds.retry_storm_ratio * requests[second]

    last = len(requests) - 1
    began = onset.since(
        last, first=window - 1, held=held, shows=shows, window=window, part=thresholds.clear_ratio
    )
    if began is None:
        return None
    count = requests_in(last)
    return _Storm(client, count / window, refused_in(last) / count, snapshot.first_second + began)


def _finding(snapshot: Snapshot, thresholds: Thresholds, storm: _Storm) -> Finding:
    limit = limit_of(snapshot.policies, storm.client, storm.since, snapshot.at)
    refused = storm.rate * storm.ratio
    return Finding(
        code="retry_storm",
        severity="warning",
        since=storm.since,
        at=snapshot.at,
        subject=Target("client", storm.client),
        summary=(
            f"{storm.client} comes back {number(storm.rate)} times a second since {clock(storm.since)}, "
            f"though {percent(storm.ratio)} of it is refused by {limit}, each time with a Retry-After of "
            f"{TOLD_SECONDS} s or more"
        ),
        evidence=(
            Evidence("retry_rate", thresholds.retry_storm_rate, round(storm.rate, 2), "requests/s"),
            Evidence("rejection_ratio", thresholds.retry_storm_ratio, round(storm.ratio, 3), "ratio"),
            Evidence("refused_rate", None, round(refused, 2), "requests/s"),
        ),
        confidence=confidence(storm.rate / thresholds.retry_storm_rate, snapshot.until - storm.since),
        suggested_action=command("subject", "limits", "get", storm.client),
        verify_with=command("subject", "why", storm.client),
    )
