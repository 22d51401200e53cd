"""retry_storm: a client that is refused comes back at once, instead of when it was told."""

from dataclasses import dataclass

from subject import series
from subject.detectors import onset
from subject.detectors.thresholds import Thresholds
from subject.finding import Evidence, Finding, Target, clock, command, confidence, number, percent
from subject.snapshot import Snapshot

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
    samples = list(snapshot.all_samples())
    refused = series.by_client(samples, lambda sample: sample.refused_by_client, until - window, until)
    least = thresholds.retry_storm_rate * thresholds.retry_storm_ratio * window
    storms = [
        _storm(snapshot, thresholds, client)
        for client, count in sorted(refused.items(), key=lambda item: -item[1])
        if count >= least and not snapshot.policies.is_denied(client)
    ]
    return [_finding(snapshot, thresholds, storm) for storm in storms if storm is not None]


def _storm(snapshot: Snapshot, thresholds: Thresholds, client: str) -> _Storm | None:
    window = thresholds.retry_storm_seconds
    refused = snapshot.cluster_seconds(lambda sample: sample.refused_by_client.get(client, 0))
    asked = snapshot.cluster_seconds(lambda sample: sample.requests_by_client.get(client, 0))
    # Nodes list whom they refuse most and who asks most: a client may stand in the first list only.
    requests = [max(pair) for pair in zip(asked, refused, strict=True)]

    def held(last: int) -> bool:
        seconds = slice(max(0, last + 1 - window), last + 1)
        count = sum(requests[seconds])
        return (
            count >= thresholds.retry_storm_rate * window
            and sum(refused[seconds]) >= thresholds.retry_storm_ratio * count
        )

    def shows(second: int) -> bool:
        return refused[second] > thresholds.retry_storm_ratio * requests[second]

    last = len(requests) - 1
    if last + 1 < window or not held(last):
        return None
    since = onset.since(last, 0, held, shows, window)
    seconds = slice(last + 1 - window, last + 1)
    count = sum(requests[seconds])
    return _Storm(client, count / window, sum(refused[seconds]) / count, snapshot.first_second + since)


def _finding(snapshot: Snapshot, thresholds: Thresholds, storm: _Storm) -> Finding:
    applied = snapshot.policies.applied_to(storm.client)
    limit = "its limit" if applied is None else f"its limit of {applied.limits} ({applied.name})"
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
        likely_cause=(
            f"{storm.client} retries without waiting, or many processes share its key and none waits for the "
            "others: it should heed Retry-After, and back off with jitter"
        ),
        suggested_action=command("subject", "limits", "get", storm.client),
        verify_with=command("subject", "why", storm.client),
    )
